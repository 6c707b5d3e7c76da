"""Two machines on one PostgreSQL: each has its own uploads, and runs the jobs whose files it has."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest

from index_store.blobs.staging import Staging
from index_store.catalogue import open_catalogue
from index_store.job_records import NewJob
from service.jobs.identity import folder_id
from service.workflows.ingest_job import IngestRequest

pytest.importorskip("psycopg")

PATIENCE = 60.0


@pytest.fixture
def machine(tmp_path, postgres_url):
    """A worker with a data folder of its own, gone when the block ends."""

    @contextmanager
    def start(name):
        given = {"CATALOGUE_URL": postgres_url, "BLOBS_URL": (tmp_path / "blobs").as_uri(), "DECODE_CHILDREN": "1"}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
        environment = inherited | {f"KEEPONE_{key}": value for key, value in given.items()}
        environment["KEEPONE_DATA"] = str(tmp_path / name)
        process = subprocess.Popen([sys.executable, "-m", "service.jobs"], stdin=subprocess.PIPE, env=environment)
        try:
            yield
        finally:
            process.kill()
            process.stdin.close()
            process.wait()

    return start


def test_every_job_is_run_where_its_upload_is(machine, tmp_path, postgres_url, uploads, pictures):
    """None fails for want of a file that the other machine has, and the hosts' names do not matter."""
    catalogue = open_catalogue(postgres_url)
    owners = {}
    for number in range(8):
        name = "ab"[number % 2]
        asked = IngestRequest("archive", metadata={"number": number})
        new = NewJob("ingest", asked.as_json())
        with Staging(tmp_path / name / "staging").writing(new.job_id) as file:
            file.write(uploads.zip_of(("x.png", pictures.png(3000 + number))))
        owners[catalogue.jobs.create(new).job_id] = folder_id(tmp_path / name) + "-0"
    with ExitStack() as running:
        for name in "ab":
            running.enter_context(machine(name))
        deadline = time.monotonic() + PATIENCE
        while catalogue.jobs.list(1, state=("queued", "running")).items:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    jobs = catalogue.jobs.list(100).items
    assert [job.state for job in jobs] == ["succeeded"] * 8
    assert {job.job_id: job.owner for job in jobs} == owners
    catalogue.close()
