"""How long it takes to try a policy on a large collection, and whether the difference is exact.

    python -m benchmarks.policies [--contents 100000]

The collection is made up, in a catalogue on disk: groups of one to eight copies with numbers of quality at random, and
proofs between them. What is measured is what `POST /policies/simulate` does, from rows to the answer. The difference is
held against one that is made the plain way: every group weighed by either policy, straight from what was made up.
Writes benchmarks/results/policies.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index_store.catalogue import open_catalogue
from index_store.group_records import GroupItem
from index_store.records import Committed, Content, HandIn, ProvedMatch
from service.domain.pairs import pair_of
from service.domain.policy import DEFAULT
from service.domain.standing import Member, Proved, standings
from service.domain.values import Quality, Relation
from service.domain.verdict import FITTED
from service.workflows.assessed import assessed_of
from service.workflows.policies import difference_block, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.domain.policy import Policy

RESULTS = Path(__file__).parent / "results" / "policies.json"
SEED = 20261130
AT_ONCE = 500
OTHER = replace(
    DEFAULT,
    name="other-1",
    weights=replace(DEFAULT.weights, detail=0.05, noise=1.0, bytes=0.2),
    without_review=frozenset({Relation.SAME_PIXELS, Relation.EDITED}),
)
RELATIONS = (Relation.SAME_PIXELS, Relation.REENCODED, Relation.EDITED)


def made_up(count: int) -> Iterator[list[tuple[Content, list[ProvedMatch]]]]:
    """Groups of contents, each with what was proved of it when it came."""
    chance, made = random.Random(SEED), 0  # noqa: S311 - pictures, not secrets
    while made < count:
        size = min(count - made, chance.choice([1, 1, 1, 2, 2, 3, 4, 8]))
        group: list[tuple[Content, list[ProvedMatch]]] = []
        for number in range(size):
            content = _content(f"{made + number}", chance)
            proofs = [
                _proof(content, other, chance) for other, _ in group if chance.random() < 0.8 or other is group[0][0]
            ]
            group.append((content, proofs))
        made += size
        yield group


def _content(name: str, chance: random.Random) -> Content:
    width, height = chance.randint(300, 4000), chance.randint(300, 4000)
    quality = Quality(
        sharpness=chance.random(),
        effective_megapixels=width * height / 1e6 * chance.choice([1, 1, 0.5, 0.2]),
        compression=chance.choice([0.5, 0.8, 0.95, 1.0]),
        exposure=chance.uniform(0.6, 1),
        noise=chance.uniform(0, 8),
        margin=chance.choice([0.0, 0.0, 0.2]),
    )
    return Content(
        sha256=_hash(name),
        bytes=chance.randint(10_000, 9_000_000),
        format=chance.choice(["JPEG", "PNG", "WEBP"]),
        width=width,
        height=height,
        pixel_hash=_hash(f"pixels {name}"),
        phash=hashlib.sha256(name.encode()).digest(),
        normalise_version=1,
        facts={"animated": False, "notes": []},
        quality=asdict(quality),
    )


def _proof(query: Content, reference: Content, chance: random.Random) -> ProvedMatch:
    relation = chance.choice(RELATIONS)
    evidence = {
        "query_overlap": chance.choice([1.0, 0.7]),
        "reference_overlap": chance.choice([1.0, 0.7]),
        "appearance": round(chance.uniform(0.6, 1), 4),
        "edits": ["overlaid"] if chance.random() < 0.1 else [],
    }
    probability = chance.uniform(0.96, 1)
    return ProvedMatch(query.sha256, reference.sha256, relation.value, probability, evidence, "made up", "made up")


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def fill(url: str, count: int) -> None:
    with closing(open_catalogue(url)) as catalogue:
        waiting: list[HandIn] = []
        for group in made_up(count):
            for content, proofs in group:
                entry = HandIn(
                    content_id=content.sha256,
                    content=content,
                    handed_in_bytes=content.bytes,
                    verdict="unique",
                    probability=0.0,
                    verdict_block={},
                    matches=tuple(proofs),
                )
                waiting.append(entry)
            if len(waiting) >= AT_ONCE:
                _commit(catalogue, waiting)
                waiting = []
        _commit(catalogue, waiting)


def _commit(catalogue: Any, entries: Sequence[HandIn]) -> None:
    head, everything = catalogue.head(), frozenset(entry.content_id for entry in entries)
    group = tuple(GroupItem(entry, head, everything, frozenset()) for entry in entries)
    answers = catalogue.append_many(group)
    if not all(isinstance(answer, Committed) for answer in answers):
        raise RuntimeError("the collection was not taken in")


def plainly(count: int, policy: Policy) -> dict[str, tuple[str, str]]:
    """Action and keeper of every content in a group, by content id, straight from what was made up."""
    stands: dict[str, tuple[str, str]] = {}
    for group in made_up(count):
        by_id = {content.sha256: (content, proofs) for content, proofs in group}
        ids = sorted(by_id)
        proved: dict[tuple[int, int], Proved] = {}
        for proof in sorted(
            (proof for _, proofs in group for proof in proofs),
            key=lambda one: (one.query_content, one.reference_content),
        ):
            one, other = ids.index(proof.query_content), ids.index(proof.reference_content)
            said, relation = proof.evidence, Relation(proof.relation)
            overlaps = said["query_overlap"], said["reference_overlap"]
            pair = pair_of(relation, said["edits"], overlaps, said["appearance"])
            proved[min(one, other), max(one, other)] = Proved(relation, pair if one < other else pair.turned())
        members = [Member(assessed_of(by_id[name][0])) for name in ids]
        if len(ids) > 1:
            for name, stand in zip(ids, standings(members, proved, policy), strict=True):
                stands[name] = (stand.action.value, ids[stand.keeper])
    return stands


def measure(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/catalogue.sqlite"
        fill(url, count)
        with closing(open_catalogue(url)) as catalogue:
            before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            began, spent = time.perf_counter(), time.process_time()
            told = simulate(DEFAULT, OTHER, catalogue, FITTED, limit=count)
            block = difference_block(told, DEFAULT, OTHER, catalogue.stats().contents, count)
            seconds, processor = time.perf_counter() - began, time.process_time() - spent
            after_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    were, are = plainly(count, DEFAULT), plainly(count, OTHER)
    wanted = {name for name, was in were.items() if was != are[name]}
    listed = {item["content_id"]: (item["before"]["action"], item["after"]["action"]) for item in block["items"]}
    exact = listed == {name: (were[name][0], are[name][0]) for name in wanted}
    return {
        "asked": "100,000 catalogue rows under 60 s, the difference exact",
        "contents": block["contents"],
        "groups": block["groups"],
        "changed": block["changed"],
        "exact": exact,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "memory_mb_more": round(after_mb - before_mb),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contents", type=int, default=100_000)
    measured = measure(parser.parse_args().contents)
    print(json.dumps(measured, indent=2))
    RESULTS.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
