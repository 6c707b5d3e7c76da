"""Every back end and its in-memory twin keep the same contract."""

from contextlib import closing, contextmanager

import pytest

from index_store.blobs import LocalBlobs
from index_store.catalogue import open_catalogue
from index_store.testing import (
    AnswersContract,
    BlobsContract,
    CatalogueContract,
    IndexContract,
    InspectionContract,
    JobsContract,
    KeysContract,
    MemoryBlobs,
    MemoryCatalogue,
    NaiveIndex,
)
from index_store.testing.samples import DIMENSION
from index_store.vectors import ExactIndex


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


class TestSqliteKeys(InSqlite, OverACatalogue, KeysContract):
    pass


class TestSqliteJobs(InSqlite, OverACatalogue, JobsContract):
    pass


class TestSqliteAnswers(InSqlite, OverACatalogue, AnswersContract):
    pass


class TestPostgresCatalogue(InPostgres, CatalogueContract):
    pass


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


class TestMemoryKeys(InMemory, OverACatalogue, KeysContract):
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
