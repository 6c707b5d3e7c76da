"""Holds what lies on disk to what clients were told. Reads SQLite and files by itself, never through our own code.

One call of `Oracle.examine` is one look at the store at rest or at work: a single read transaction, then the files. It
answers a list of findings; an empty list is what a fault run wants. What it knows from its look before, that the log
only grows and that its past never changes, it keeps.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.faults.ledger import Asked, Ledger

Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """`kind` is `lost`, `phantom`, `changed`, `blob`, `vector`, `log` or `job`."""

    kind: str
    told: str


@dataclass
class _Tables:
    images: dict[str, Row]
    contents: dict[str, Row]
    vectors: Counter[str]
    changes: list[Row]
    jobs: dict[str, Row]
    items: list[Row]


class Oracle:
    """For one data folder whose only clients are those of the ledger."""

    def __init__(self, data: Path, ledger: Ledger) -> None:
        self._data = data
        self._ledger = ledger
        self._hashed: set[str] = set()
        self._past: list[tuple[int, str, str]] = []

    def examine(self, *, every_blob: bool = False) -> list[Finding]:
        """Everything but how jobs ended. Blobs are hashed once, or all of them again."""
        tables = self._read()
        if every_blob:
            self._hashed.clear()
        return [
            *self._acknowledged(tables),
            *self._effects(tables),
            *self._blobs(tables),
            *_vectors(tables),
            *self._log(tables),
        ]

    def unfinished_jobs(self) -> list[str]:
        """Jobs that have not succeeded, as "id state"."""
        with closing(sqlite3.connect(self._data / "catalogue.sqlite", timeout=30)) as connection:
            found = connection.execute("SELECT job_id, state FROM job WHERE state <> 'succeeded'").fetchall()
        return [f"{job_id} {state}" for job_id, state in found]

    def images(self) -> list[Row]:
        return list(self._read().images.values())

    def examine_jobs(self) -> list[Finding]:
        """Once they all should have ended: each succeeded, with one outcome for each file that was sent."""
        tables = self._read()
        findings = [
            Finding("job", f"{job['job_id']} is {job['state']}: {job['problem']}")
            for job in tables.jobs.values()
            if job["state"] != "succeeded"
        ]
        items: dict[str, dict[str, Row]] = defaultdict(dict)
        for item in tables.items:
            items[item["job_id"]][item["name"] or "picture"] = item
        for asked in self._ledger.asked:
            body = asked.acknowledged
            if body is None or asked.kind not in {"batch", "later"}:
                continue
            if body["job_id"] not in tables.jobs:
                findings.append(Finding("lost", f"job {body['job_id']} of {asked.tag}"))
                continue
            outcomes = items[body["job_id"]]
            if len(outcomes) != len(asked.shas) or any(item["state"] == "pending" for item in outcomes.values()):
                findings.append(Finding("job", f"{asked.tag}: {len(outcomes)} outcomes for {len(asked.shas)} files"))
            for name, content in zip(asked.names, asked.shas, strict=True):
                item = outcomes.get(name) or outcomes.get("picture", {})
                image = tables.images.get(item.get("image_id") or "")
                if item.get("state") != "succeeded" or image is None or image["content_id"] != item["content_id"]:
                    findings.append(Finding("lost", f"{asked.tag}: {name} ({content[:8]}) is {item.get('state')}"))
        return findings

    def _read(self) -> _Tables:
        connection = sqlite3.connect(self._data / "catalogue.sqlite", timeout=30, isolation_level=None)
        with closing(connection):
            connection.row_factory = lambda cursor, row: dict(
                zip([column[0] for column in cursor.description], row, strict=True)
            )
            connection.execute("BEGIN")
            checked = connection.execute("PRAGMA quick_check").fetchone()["quick_check"]
            assert checked == "ok", f"SQLite says of the catalogue: {checked}"

            def rows(query: str) -> list[Row]:
                return connection.execute(query).fetchall()

            return _Tables(
                images={row["image_id"]: row for row in rows("SELECT * FROM image")},
                contents={row["sha256"]: row for row in rows("SELECT sha256, bytes, too_little_detail FROM content")},
                vectors=Counter(row["content_id"] for row in rows("SELECT content_id FROM vector")),
                changes=rows("SELECT * FROM change ORDER BY sequence"),
                jobs={row["job_id"]: row for row in rows("SELECT * FROM job")},
                items=rows("SELECT * FROM job_item"),
            )

    def _acknowledged(self, tables: _Tables) -> Iterator[Finding]:
        """I1: every promise is kept, with the values that were told."""
        for asked in self._ledger.asked:
            for status, body in asked.answers:
                if asked.kind == "image" and status == 201:
                    yield from _kept(asked, body, tables.images.get(body["image_id"]))
                elif asked.kind in {"batch", "later"} and status == 202 and body["job_id"] not in tables.jobs:
                    yield Finding("lost", f"job {body['job_id']} of {asked.tag}")
        for asked in self._ledger.asked:
            if asked.kind == "delete" and asked.answers and asked.answers[-1][0] == 204:
                image = tables.images.get(asked.target)
                if image is None or image["state"] != "removed":
                    yield Finding("lost", f"delete of {asked.target}")

    def _effects(self, tables: _Tables) -> Iterator[Finding]:
        """Nothing is there that nobody asked for, and nothing twice."""
        wanted: dict[str, tuple[Asked, str]] = {}
        for asked in self._ledger.asked:
            if asked.kind in {"image", "later"}:
                wanted[asked.tag] = (asked, asked.shas[0])
            else:
                wanted |= {name: (asked, sha) for name, sha in zip(asked.names, asked.shas, strict=True)}
        made = Counter(image["external_id"] for image in tables.images.values())
        for tag, times in made.items():
            if tag not in wanted:
                yield Finding("phantom", f"{times} images of {tag}, which nobody sent")
                continue
            asked, _ = wanted[tag]
            promises = sum(status < 300 for status, _ in asked.answers)
            unknown = asked.sent - len(asked.answers)
            most = 1 if asked.key is not None and promises + unknown else promises + unknown
            if times > most:
                yield Finding("phantom", f"{times} images of {tag}, {most} at the most were promised or unanswered")
        deleted = {asked.target for asked in self._ledger.asked if asked.kind == "delete"}
        sent = {sha for asked in self._ledger.asked for sha in asked.shas}
        for image in tables.images.values():
            if image["state"] != "active" and image["image_id"] not in deleted:
                yield Finding("lost", f"{image['image_id']} is {image['state']}, and nobody deleted it")
            _, sha = wanted.get(image["external_id"], (None, image["content_id"]))
            if image["outcome"] == "stored" and image["content_id"] != sha:
                yield Finding("changed", f"{image['image_id']} has other bytes than were sent")
        yield from (Finding("phantom", f"content {sha}") for sha in tables.contents.keys() - sent)
        used = {image["content_id"] for image in tables.images.values()}
        yield from (Finding("phantom", f"content {sha} without an image") for sha in tables.contents.keys() - used)

    def _blobs(self, tables: _Tables) -> Iterator[Finding]:
        """I2: each content's file is there, and is what its name says."""
        for sha in tables.contents.keys() - self._hashed:
            path = self._data / "blobs" / sha[:2] / sha[2:4] / sha
            if not path.is_file():
                yield Finding("blob", f"{sha} is missing")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != sha:
                yield Finding("blob", f"{sha} has other bytes ({path.stat().st_size})")
            else:
                self._hashed.add(sha)

    def _log(self, tables: _Tables) -> Iterator[Finding]:
        """I6: 1, 2, 3 and so on; what was told once is told the same for ever; each image has its change."""
        told = [(row["sequence"], row["kind"], row["image_id"]) for row in tables.changes]
        if [sequence for sequence, _, _ in told] != list(range(1, len(told) + 1)):
            yield Finding("log", f"{len(told)} changes are not numbered 1 to {len(told)}")
        if told[: len(self._past)] != self._past:
            yield Finding("log", f"the log's first {len(self._past)} changes are not what they were")
        self._past = told
        came = {image: sequence for sequence, kind, image in told if kind in {"stored", "referenced", "restored"}}
        went = {image: kind in {"removed", "withdrawn"} for _, kind, image in told}
        for image, row in tables.images.items():
            if came.get(image) != row["sequence"]:
                yield Finding("log", f"{image} of sequence {row['sequence']} has its change at {came.get(image)}")
            if (row["state"] == "removed") is not went.get(image, False):
                yield Finding("log", f"{image} is {row['state']}, and the log says otherwise")
        yield from (Finding("log", f"a change tells of {image}") for image in came.keys() - tables.images.keys())


def _kept(asked: Asked, body: Row, image: Row | None) -> Iterator[Finding]:
    if image is None:
        yield Finding("lost", f"{body['image_id']} of {asked.tag}")
        return
    for name in ("content_id", "verdict", "outcome"):
        if image[name] != body[name]:
            yield Finding("changed", f"{body['image_id']}: {name} was told as {body[name]} and is {image[name]}")
    block = json.loads(image["verdict_block"])
    if block["matches"] != body["matches"]:
        yield Finding("changed", f"{body['image_id']}: its matches are not those that were told")
    if body["outcome"] == "stored" and body["content_id"] != asked.shas[0]:
        yield Finding("changed", f"{asked.tag} was told another content than it sent")


def _vectors(tables: _Tables) -> Iterator[Finding]:
    """Each content that shows something has one vector, and no other has."""
    for sha, row in tables.contents.items():
        wanted = 0 if row["too_little_detail"] else 1
        if tables.vectors[sha] != wanted:
            yield Finding("vector", f"{sha} has {tables.vectors[sha]} vectors")
    yield from (Finding("vector", f"of {sha}, which is no content") for sha in tables.vectors.keys() - tables.contents)


def counted(findings: list[Finding]) -> dict[str, int]:
    return dict(Counter(finding.kind for finding in findings))
