"""For tests and for authors of back ends: in-memory twins, samples, and one contract suite for each seam.

The twins keep the promises of the seams and nothing else (no durability, no other process). A contract suite is a base
class of plain test methods; a back end passes by subclassing it and saying how to make an empty store:

    class TestMyCatalogue(CatalogueContract):
        def make_catalogue(self): return MyCatalogue(...)

pytest is not needed to import any of this.
"""

from index_store.testing.answers_contract import AnswersContract
from index_store.testing.blobs_contract import BlobsContract
from index_store.testing.catalogue_contract import CatalogueContract
from index_store.testing.descriptions_contract import DescriptionsContract
from index_store.testing.index_contract import IndexContract, NaiveIndex
from index_store.testing.inspection_contract import InspectionContract
from index_store.testing.jobs_contract import JobsContract
from index_store.testing.keys_contract import KeysContract
from index_store.testing.memory import MemoryCatalogue
from index_store.testing.memory_blobs import MemoryBlobs
from index_store.testing.memory_descriptions import MemoryDescriptions
from index_store.testing.memory_jobs import MemoryAnswers, MemoryJobs
from index_store.testing.memory_keys import MemoryKeys
from index_store.testing.memory_persons import MemoryPersons
from index_store.testing.memory_removals import MemoryRemovals
from index_store.testing.persons_contract import ConflictsContract, PersonsContract
from index_store.testing.policies_contract import PoliciesContract, ProofsContract
from index_store.testing.purge_contract import PurgeContract
from index_store.testing.removals_contract import RemovalsContract
from index_store.testing.samples import a_content, a_hand_in, a_hash, a_vector

__all__ = [
    "AnswersContract",
    "BlobsContract",
    "CatalogueContract",
    "ConflictsContract",
    "DescriptionsContract",
    "IndexContract",
    "InspectionContract",
    "JobsContract",
    "KeysContract",
    "MemoryAnswers",
    "MemoryBlobs",
    "MemoryCatalogue",
    "MemoryDescriptions",
    "MemoryJobs",
    "MemoryKeys",
    "MemoryPersons",
    "MemoryRemovals",
    "NaiveIndex",
    "PersonsContract",
    "PoliciesContract",
    "ProofsContract",
    "PurgeContract",
    "RemovalsContract",
    "a_content",
    "a_hand_in",
    "a_hash",
    "a_vector",
]
