"""Every back end and its in-memory twin keep the same contract."""

from contextlib import contextmanager

import pytest

from index_store.blobs import LocalBlobs
from index_store.catalogue import open_catalogue
from index_store.testing import (
    AnswersContract,
    BlobsContract,
    CatalogueContract,
    IndexContract,
    JobsContract,
    KeysContract,
    MemoryAnswers,
    MemoryBlobs,
    MemoryCatalogue,
    MemoryJobs,
    MemoryKeys,
    NaiveIndex,
)
from index_store.testing.samples import DIMENSION
from index_store.vectors import ExactIndex


class OnDisk:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path


class TestSqliteCatalogue(OnDisk, CatalogueContract):
    def make_catalogue(self):
        return open_catalogue(f"sqlite:///{self.folder}/catalogue.db")


class TestMemoryCatalogue(CatalogueContract):
    def make_catalogue(self):
        return MemoryCatalogue()


class TestSqliteKeys(OnDisk, KeysContract):
    @contextmanager
    def opened_keys(self):
        catalogue = open_catalogue(f"sqlite:///{self.folder}/catalogue.db")
        try:
            yield catalogue.keys
        finally:
            catalogue.close()


class TestMemoryKeys(KeysContract):
    @contextmanager
    def opened_keys(self):
        yield MemoryKeys()


class TestSqliteJobs(OnDisk, JobsContract):
    @contextmanager
    def opened_jobs(self):
        catalogue = open_catalogue(f"sqlite:///{self.folder}/catalogue.db")
        try:
            yield catalogue.jobs
        finally:
            catalogue.close()


class TestMemoryJobs(JobsContract):
    @contextmanager
    def opened_jobs(self):
        yield MemoryJobs()


class TestSqliteAnswers(OnDisk, AnswersContract):
    @contextmanager
    def opened_answers(self):
        catalogue = open_catalogue(f"sqlite:///{self.folder}/catalogue.db")
        try:
            yield catalogue.answers
        finally:
            catalogue.close()


class TestMemoryAnswers(AnswersContract):
    @contextmanager
    def opened_answers(self):
        yield MemoryAnswers()


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
