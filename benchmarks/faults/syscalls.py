"""Each call that writes a file fails once, with EIO and with ENOSPC; so does SQLite. Is every answer then honest?

The service runs in this process, and its write path (originals, thumbnails, staged uploads, jobs that take them in) has
its first call fail, then its second, and so on until a request needs fewer calls than that. Whatever fails, the request
is either done wholly or answered with a problem; after a failed sync nothing more is acknowledged until the service is
started again; and in the end the oracle finds what was acknowledged and nothing else.

SQLite writes by itself, in C; it is made to run full (`PRAGMA max_page_count`) and to refuse writes (`query_only`).

    python -m benchmarks.faults.syscalls
"""

from __future__ import annotations

import errno
import itertools
import json
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from starlette.testclient import TestClient

from benchmarks.faults import sabotage
from benchmarks.faults.failing_calls import failing_call
from benchmarks.faults.ledger import Asked, Ledger
from benchmarks.faults.load import picture, send, sha, tar
from benchmarks.faults.oracle import Oracle, counted
from index_store import syncing
from index_store.errors import StoreUnavailableError
from service import log
from service.api.app import create_app
from service.settings import Settings
from service.workflows.ingest_job import run_ingest_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.workflows.parts import Parts

RESULTS = Path("benchmarks/results/syscalls.json")
ERRNOS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
WAYS = ("image", "batch", "later")


class Dishonest(AssertionError):  # noqa: N818 - a verdict, not an error of this program
    """The service said something that is not so."""


class Writer:
    """Requests of each way to write, against a service in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self.oracle = Oracle(folder, self.ledger)
        self.failed: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        sabotage.carry_out(("hurry",))  # after a failed sync a key cannot be given back, and is free a minute later
        log.configure("json", "error")
        self._app = create_app(
            Settings(_env_file=None, data=folder, decode_children=1, min_free_bytes=0, queue_seconds=20)
        )

    @contextmanager
    def open(self) -> Iterator[TestClient]:
        with TestClient(
            self._app, "http://127.0.0.1", raise_server_exceptions=False, client=("127.0.0.1", 50_000)
        ) as client:
            yield client

    @property
    def parts(self) -> Parts:
        parts: Parts = self._app.state.parts
        return parts

    def asked(self, way: str) -> Asked:
        number = next(self._numbers)
        tag, data = f"c{number}", picture(number)
        if way == "batch":
            return Asked("batch", tag, (sha(data),), (f"{tag}.jpg",), payload=tar({f"{tag}.jpg": data}))
        key = f"key-{tag}" if number % 2 else None
        return Asked("image" if way == "image" else "later", tag, (sha(data),), (tag,), key=key, payload=data)

    def one_fault(self, client: TestClient, way: str, nth: int, number: int) -> bool:
        """Let the nth call of such a request fail; False when it makes fewer."""
        asked = self.asked(way)
        with failing_call(self.folder, nth, number) as calls:
            answer = send(client, self.ledger, asked)
            if answer.status_code == 202:
                self._run_job(answer.json()["job_id"])
        kind = f"{calls.failed} of a folder" if calls.was_folder else calls.failed
        if not calls.failed:
            self._must(answer.is_success, f"{way} without a fault", answer)
            return False
        self.failed[f"{kind} {errno.errorcode[number]}"] += 1
        self.statuses[str(answer.status_code)] += 1
        if not answer.is_success:
            self._must(answer.json()["type"] in {"/problems/unavailable", "/problems/storage-full"}, kind, answer)
        is_fatal = calls.failed == "fsync" and (calls.was_folder or number not in syncing.FULL)
        self._after(client, asked, kind, is_fatal=is_fatal)
        return True

    def _after(self, client: TestClient, asked: Asked, kind: str, *, is_fatal: bool) -> None:
        """Nothing more is acknowledged after a failed sync; otherwise the same request now goes through."""
        if is_fatal:
            refused = send(client, self.ledger, self.asked("image"))
            self._must(refused.status_code == 503, f"acknowledged after a failed {kind}", refused)
            self._app.state.writable_until = 0.0
            self._must(client.get("/ready").status_code == 503, f"ready after a failed {kind}", refused)
            self._must(client.get("/stats").is_success, "reading", refused)
            start_again()
        if asked.acknowledged is None:
            again = send(client, self.ledger, asked)
            self._must(again.is_success, f"again after {kind}", again)
            if again.status_code == 202:
                self._run_job(again.json()["job_id"])
        else:
            self._resume()

    def _run_job(self, job_id: str) -> None:
        with suppress(StoreUnavailableError):  # after a failed sync it cannot even be told that the job failed
            run_ingest_job(job_id, "harness", self.parts, stopping=threading.Event())

    def _resume(self) -> None:
        """A job that a fault stopped goes on, and ends."""
        for state in ("failed", "running"):
            for job in self.parts.jobs.list(100, state=state).items:
                if state == "failed":
                    self.parts.jobs.set_state(job.job_id, "queued")
                self._run_job(job.job_id)

    def _must(self, is_so: bool, what: str, answer: Any) -> None:
        if not is_so:
            raise Dishonest(f"{what}: {answer.status_code} {answer.text[:300]}")

    @contextmanager
    def pragma(self, words: str) -> Iterator[None]:
        """Every connection to the catalogue is told this while the block lasts."""
        engine = self.parts.catalogue._database._backend.readers  # type: ignore[attr-defined] # noqa: SLF001 - behind its back

        def tell(connection: Any, *_: object) -> None:
            connection.execute(words)

        event.listen(engine, "checkout", tell)
        try:
            yield
        finally:
            event.remove(engine, "checkout", tell)

    def database_faults(self, client: TestClient, fillings: int) -> None:
        """SQLite full in the midst of a commit, and read-only; afterwards the same requests go through."""
        path = self.folder / "catalogue.sqlite"
        with self.pragma("PRAGMA query_only=ON"):
            refused = send(client, self.ledger, self.asked("image"))
            self._must(refused.status_code == 503, "a catalogue that cannot be written", refused)
            self._must(client.get("/stats").is_success, "reading", refused)
        with self.pragma("PRAGMA query_only=OFF"):
            self._must(send(client, self.ledger, self.asked("image")).is_success, "writing again", refused)
        for spare in range(fillings):
            pages = path.stat().st_size // 4096 + spare
            full = 0
            with self.pragma(f"PRAGMA max_page_count={pages}"):
                for way in itertools.islice(itertools.cycle(("image", "image", "later")), 8 * (spare + 1)):
                    answer = send(client, self.ledger, self.asked(way))
                    self._must(answer.status_code in {201, 202, 507}, "a catalogue that is full", answer)
                    full += answer.status_code == 507
                    self._must(client.get("/images").is_success, "reading while it is full", answer)
            self.failed["SQLITE_FULL"] += full
            with self.pragma("PRAGMA max_page_count=1000000000"):
                answer = send(client, self.ledger, self.asked("image"))
                self._must(answer.is_success, "once there is room again", answer)
        for job in self.parts.jobs.list(100, state="queued").items:
            self._run_job(job.job_id)


def start_again() -> None:
    """What a new process begins with."""
    setattr(syncing, "_failed", threading.Event())  # noqa: B010 - a private name, replaced on purpose


def every_call(folder: Path, *, step: int = 1, fillings: int = 4) -> Writer:
    """Every `step`-th call of each way to write fails once with each error, and SQLite is full a few times.

    Raises Dishonest.
    """
    writer = Writer(folder)
    with writer.open() as client:
        for way, number in itertools.product(WAYS, ERRNOS.values()):
            nth = 1
            while writer.one_fault(client, way, nth, number):
                nth += step
        writer.database_faults(client, fillings)
    return writer


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="keepone-calls-") as name:
        writer = every_call(Path(name))
        findings = [*writer.oracle.examine(every_blob=True), *writer.oracle.examine_jobs()]
    result = {
        "calls_failed": dict(sorted(writer.failed.items())),
        "answers": dict(sorted(writer.statuses.items())),
        "findings": counted(findings),
        "first_findings": [finding.told for finding in findings[:5]],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if findings:
        raise SystemExit("something half-done was left, or something acknowledged was lost")


if __name__ == "__main__":
    main()
