"""Every back end and its in-memory twin keep the same contract."""

from contextlib import closing, contextmanager

import pytest
from sqlalchemy import create_engine

from index_store.blobs import LocalBlobs
from index_store.catalogue import open_catalogue
from index_store.testing import (
    AnswersContract,
    BlobsContract,
    CatalogueContract,
    ConflictsContract,
    DescriptionsContract,
    IndexContract,
    InspectionContract,
    JobsContract,
    KeysContract,
    MemoryBlobs,
    MemoryCatalogue,
    NaiveIndex,
    PersonsContract,
    PoliciesContract,
    ProofsContract,
    PurgeContract,
    RemovalsContract,
)
from index_store.testing.samples import DIMENSION, a_hand_in
from index_store.vectors import ExactIndex
from index_store.vectors.builder import columns_of
from index_store.vectors.faiss_index import FaissIndex
from index_store.vectors.faiss_part import FaissPart


class OnDisk:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path


class InSqlite(OnDisk):
    def make_catalogue(self):
        return open_catalogue(f"sqlite:///{self.folder}/catalogue.db")


class InPostgres:
    @pytest.fixture(autouse=True)
    def _database(self, postgres_url):
        self.url = postgres_url

    def make_catalogue(self):
        return open_catalogue(self.url)


class OverACatalogue:
    """The seams that share a catalogue's database."""

    @contextmanager
    def opened_keys(self):
        with closing(self.make_catalogue()) as catalogue:
            yield catalogue.keys

    @contextmanager
    def opened_jobs(self):
        with closing(self.make_catalogue()) as catalogue:
            yield catalogue.jobs

    @contextmanager
    def opened_removals(self):
        with closing(self.make_catalogue()) as catalogue:
            yield catalogue.removals

    @contextmanager
    def opened_answers(self):
        with closing(self.make_catalogue()) as catalogue:
            yield catalogue.answers


class Inspected:
    def opened_inspection(self):
        with closing(self.make_catalogue()) as catalogue:
            yield catalogue, catalogue.ensure_space("builtin", "1", DIMENSION, "cosine"), catalogue.inspection


class InMemory:
    def make_catalogue(self):
        return MemoryCatalogue()


class TestSqliteCatalogue(InSqlite, CatalogueContract):
    pass


class TestSqlitePersons(InSqlite, PersonsContract):
    pass


class TestSqliteConflicts(InSqlite, ConflictsContract):
    """One picture under two persons."""


class TestSqliteDescriptions(InSqlite, DescriptionsContract):
    """What further spaces say of contents."""


class TestSqlitePolicies(InSqlite, PoliciesContract):
    pass


class TestSqliteProofs(InSqlite, ProofsContract):
    """Copies as they were proved."""


class TestSqlitePurge(InSqlite, PurgeContract):
    """Images that go for good."""


class TestSqliteKeys(InSqlite, OverACatalogue, KeysContract):
    pass


class TestSqliteJobs(InSqlite, OverACatalogue, JobsContract):
    pass


class TestSqliteAnswers(InSqlite, OverACatalogue, AnswersContract):
    pass


class TestSqliteRemovals(InSqlite, OverACatalogue, RemovalsContract):
    pass


class TestPostgresRemovals(InPostgres, OverACatalogue, RemovalsContract):
    pass


class TestPostgresCatalogue(InPostgres, CatalogueContract):
    pass


class TestPostgresPersons(InPostgres, PersonsContract):
    pass


class TestPostgresConflicts(InPostgres, ConflictsContract):
    """One picture under two persons."""


class TestPostgresDescriptions(InPostgres, DescriptionsContract):
    """What further spaces say of contents."""


class TestPostgresPolicies(InPostgres, PoliciesContract):
    pass


class TestPostgresProofs(InPostgres, ProofsContract):
    """Copies as they were proved."""


class TestPostgresPurge(InPostgres, PurgeContract):
    """Images that go for good."""


class TestPostgresKeys(InPostgres, OverACatalogue, KeysContract):
    pass


class TestPostgresJobs(InPostgres, OverACatalogue, JobsContract):
    pass


class TestPostgresAnswers(InPostgres, OverACatalogue, AnswersContract):
    pass


class TestSqliteInspection(InSqlite, Inspected, InspectionContract):
    pass


class TestPostgresInspection(InPostgres, Inspected, InspectionContract):
    pass


class TestMemoryInspection(InMemory, Inspected, InspectionContract):
    pass


class TestMemoryCatalogue(InMemory, CatalogueContract):
    pass


class TestMemoryPersons(InMemory, PersonsContract):
    pass


class TestMemoryDescriptions(InMemory, DescriptionsContract):
    """What further spaces say of contents."""


class TestMemoryPolicies(InMemory, PoliciesContract):
    pass


class TestMemoryProofs(InMemory, ProofsContract):
    """Copies as they were proved."""


class TestMemoryConflicts(InMemory, ConflictsContract):
    """One picture under two persons."""


class TestMemoryPurge(InMemory, PurgeContract):
    """Images that go for good."""


class TestMemoryKeys(InMemory, OverACatalogue, KeysContract):
    pass


class TestMemoryRemovals(InMemory, OverACatalogue, RemovalsContract):
    pass


class TestMemoryJobs(InMemory, OverACatalogue, JobsContract):
    pass


class TestMemoryAnswers(InMemory, OverACatalogue, AnswersContract):
    pass


class TestLocalBlobs(OnDisk, BlobsContract):
    def make_blobs(self):
        return LocalBlobs(self.folder / "blobs")


class TestMemoryBlobs(BlobsContract):
    def make_blobs(self):
        return MemoryBlobs()


class TestExactIndex(IndexContract):
    def make_index(self):
        return ExactIndex(DIMENSION)


class TestNaiveIndex(IndexContract):
    def make_index(self):
        return NaiveIndex()


class TestFaissIndex(IndexContract):
    """Without a part: what a small store has."""

    def make_index(self):
        return FaissIndex(DIMENSION)


class Folding(NaiveIndex):
    """A FAISS index whose part is made anew, from a naive index, around each delta."""

    def __init__(self, *, keeps_a_tail):
        super().__init__()
        self.keeps_a_tail = keeps_a_tail
        self.index = FaissIndex(DIMENSION)

    def apply(self, delta):
        if self.keeps_a_tail:
            self.index = self.folded()
            self.index.apply(delta)
        super().apply(delta)
        if not self.keeps_a_tail:
            self.index = self.folded()

    def folded(self):
        found = sorted(self.vectors, key=lambda vector: vector.vector_id)
        return FaissIndex(DIMENSION, FaissPart.built(columns_of(found, DIMENSION), self.sequence))

    @property
    def size(self):
        assert self.index.size == super().size
        return self.index.size

    def search(self, queries, k, after=0):
        assert self.index.sequence == self.sequence
        return self.index.search(queries, k, after)


class TestFaissIndexOfAPart(IndexContract):
    def make_index(self):
        return Folding(keeps_a_tail=False)


class TestFaissIndexOfPartAndTail(IndexContract):
    def make_index(self):
        return Folding(keeps_a_tail=True)


class KnowsPersonsOfOlderCatalogues:
    """A catalogue that was written before there were rows of persons."""

    def test_whoever_has_an_image_becomes_a_person(self):
        with closing(self.make_catalogue()) as catalogue:
            space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
            for number, (name, person_id) in enumerate([("a", "late"), ("b", None), ("c", "later"), ("d", "late")]):
                catalogue.append(a_hand_in(name, space, person_id=person_id), searched_to=number)
            told = catalogue.persons.list(10).items
        engine = create_engine(self.engine_url())
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP INDEX ix_change_described")
            for column in ("space_id", "vectors"):
                connection.exec_driver_sql(f"ALTER TABLE change DROP COLUMN {column}")
            connection.exec_driver_sql("DROP TABLE policy")
            connection.exec_driver_sql("DROP TABLE person")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
        engine.dispose()
        with closing(self.make_catalogue()) as catalogue:
            assert catalogue.persons.list(10).items == told
            assert [(one.person_id, one.images, one.metadata) for one in told] == [("later", 1, {}), ("late", 2, {})]


class TestOlderSqlite(InSqlite, KnowsPersonsOfOlderCatalogues):
    def engine_url(self):
        return f"sqlite:///{self.folder}/catalogue.db"


class TestOlderPostgres(InPostgres, KnowsPersonsOfOlderCatalogues):
    def engine_url(self):
        return self.url.replace("postgresql://", "postgresql+psycopg://")
