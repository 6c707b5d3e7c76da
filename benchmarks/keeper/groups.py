"""Groups of one true original and one to six copies, and what a check would find between any two of them."""

from __future__ import annotations

import hashlib
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.keeper.copies import FAMILIES, saved_anew
from service.domain.errors import OverloadedError
from service.domain.verdict import FITTED
from service.workflows.account import Account, account, exact_account
from service.workflows.known import handed_in
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import Subject, looked_at
from service.workflows.verify import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.pictures.pool import DecodePool

SPLITS = Path(__file__).parents[1] / "splits"
MOST_COPIES = 6


@dataclass(frozen=True)
class Group:
    """Files in a shuffled order; `families` says what each is, the original's is empty."""

    number: int
    files: tuple[bytes, ...]
    families: tuple[str, ...]

    @property
    def original(self) -> int:
        return self.families.index("")


def photographs(half: str) -> list[bytes]:
    """The files of `report` or of `fit`, by their hashes."""
    wanted = set((SPLITS / f"photos-{half}.txt").read_text(encoding="ascii").split())
    folder = Path(os.environ["KEEPONE_SHARED"]) / "data" / "photos"
    files = (path.read_bytes() for path in sorted(folder.iterdir()))
    found = {digest: data for data in files if (digest := hashlib.sha256(data).hexdigest()) in wanted}
    return [found[digest] for digest in sorted(found)]


def groups(half: str, count: int, seed: int, *, twice: bool = False) -> Iterator[Group]:
    """So many groups; each photograph is the original of as many as any other, and each family as frequent.

    `twice`: originals are saved anew first, as many a picture was before it came to where it is copied from.
    """
    files = photographs(half)
    chance = random.Random(seed)  # noqa: S311 - pictures, not secrets
    chance.shuffle(files)
    deck: list[str] = []
    for number in range(count):
        data, size = files[number % len(files)], 1 + number % MOST_COPIES
        if twice:
            data = saved_anew(data, chance.randint(86, 96))
        chosen: list[str] = []
        while len(chosen) < size:
            if not deck:
                deck = list(FAMILIES)
                chance.shuffle(deck)
            family = next((one for one in deck if one not in chosen), None)
            if family is None:
                deck = [*deck, *chance.sample(list(FAMILIES), len(FAMILIES))]
                continue
            deck.remove(family)
            chosen.append(family)
        members = [("", data), *((family, FAMILIES[family](data, chance)) for family in chosen)]
        chance.shuffle(members)
        yield Group(number, tuple(file for _, file in members), tuple(family for family, _ in members))


def subject_of(data: bytes, pool: DecodePool) -> Subject:
    """What a check makes of a picture, but for what it is searched by."""
    while True:
        try:
            assessed, spectrum, working = looked_at(data, pool, Stopwatch(), wait_s=None)
            break
        except OverloadedError:  # others have this machine's memory for now
            time.sleep(1)
    nothing = np.zeros((1, 1), np.float32)
    return Subject(assessed, spectrum, spectrum.posed_phashes(), nothing, working)


def told(query: Subject, reference: Subject) -> Account | None:
    """What a check says of the two; None where it says nothing."""
    here, there = query.assessed.facts, reference.assessed.facts
    if here.pixel_hash == there.pixel_hash:
        return exact_account(same_bytes=here.sha256 == there.sha256)
    found = inspect(query, handed_in(reference), FITTED)
    return None if found.says_nothing else account(found.frames, found.proof, FITTED)
