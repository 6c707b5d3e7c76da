"""Would an original go for the sake of a plain copy of it, without anybody's look? Writes benchmarks/results/unseen.json.

    KEEPONE_SHARED=… python -m benchmarks.unseen [--half report] [--photographs 60]

Each photograph of the reporting half, a JPEG, and one copy of each kind are judged in four ways: by a check of the copy
with the original stored, by a check of the original with the copy stored, and in a folder of the two by the matchers
`appearance` and `hash`. Told is how often the original would go unseen, how often the copy would, and how often both stay
or a person is asked. Of some kinds nobody but a person should say which goes (a note, a censored patch, another light).
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from benchmarks.keeper.copies import original, scaled, written
from benchmarks.keeper.groups import photographs, subject_of, told
from service import wiring
from service.domain.keeper import recommend
from service.domain.policy import DEFAULT
from service.domain.values import Action, Match, OperatingPoint, Recommendation, VerdictKind
from service.domain.verdict import FITTED, decide
from service.settings import load_settings
from service.workflows.findings import silent
from service.workflows.folder_scan import Scanned
from service.workflows.matchers import ByAppearance, ByHash
from service.workflows.removal_finding import Keep, find

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.pictures.pool import DecodePool
    from service.workflows.study import Subject

RESULTS = Path(__file__).parent / "results" / "unseen.json"
SEED = 20261130
WAYS = ("check of the copy", "check of the original", "appearance", "hash")
ORIGINAL, COPY, NEITHER = "original goes", "copy goes", "neither goes unseen"
NOTE, COARSE = "(c) me", 12
"""What is written, and by how much a patch an eighth as long and high as the picture is made coarse."""


def _noted(picture: Image.Image, height: int, chance: random.Random) -> Image.Image:
    made, font = picture.copy(), ImageFont.load_default(height)
    room = picture.width - ImageDraw.Draw(made).textlength(NOTE, font) - 5, picture.height - height - 8
    place = chance.uniform(5, max(6, room[0])), chance.uniform(5, room[1])
    ImageDraw.Draw(made).text(place, NOTE, (255, 255, 255), font)
    return made


def _censored(picture: Image.Image, chance: random.Random) -> Image.Image:
    made, wide, high = picture.copy(), picture.width // 8, picture.height // 8
    left, top = chance.randrange(picture.width - wide), chance.randrange(picture.height - high)
    patch = made.crop((left, top, left + wide, top + high))
    small = patch.resize((max(1, wide // COARSE), max(1, high // COARSE)), Image.Resampling.BOX)
    made.paste(small.resize((wide, high), Image.Resampling.NEAREST), (left, top))
    return made


COPIES: dict[str, Callable[[Image.Image, random.Random], bytes]] = {
    "JPEG 70": lambda picture, _: written(picture, quality=70),
    "half as long, JPEG 85": lambda picture, _: written(scaled(picture, 0.5, Image.Resampling.LANCZOS), quality=85),
    "half as long, JPEG 40": lambda picture, _: written(scaled(picture, 0.5, Image.Resampling.BICUBIC), quality=40),
    "WebP 50": lambda picture, _: written(picture, "WEBP", quality=50),
    "AVIF 40": lambda picture, _: written(picture, "AVIF", quality=40),
    "twice, Lanczos, JPEG 95": lambda picture, _: written(scaled(picture, 2, Image.Resampling.LANCZOS), quality=95),
    "twice, nearest, JPEG 95": lambda picture, _: written(scaled(picture, 2, Image.Resampling.NEAREST), quality=95),
    "twice, bicubic, PNG": lambda picture, _: written(scaled(picture, 2, Image.Resampling.BICUBIC), "PNG"),
    "1.5 times, bicubic, JPEG 90": lambda picture, _: written(
        scaled(picture, 1.5, Image.Resampling.BICUBIC), quality=90
    ),
    "note of 12 pixels, JPEG 92": lambda picture, chance: written(_noted(picture, 12, chance), quality=92),
    "note of 20 pixels, WebP 80": lambda picture, chance: written(_noted(picture, 20, chance), "WEBP", quality=80),
    "censored, JPEG 95": lambda picture, chance: written(_censored(picture, chance), quality=95),
    "5 % brighter, JPEG 95": lambda picture, _: written(ImageEnhance.Brightness(picture).enhance(1.05), quality=95),
    "median of 3, JPEG 95": lambda picture, _: written(picture.filter(ImageFilter.MedianFilter(3)), quality=95),
    "grey, WebP 80": lambda picture, _: written(picture.convert("L").convert("RGB"), "WEBP", quality=80),
}


def checked(query: Subject, stored: Subject) -> tuple[bool, bool]:
    """Whether the query, and whether the stored picture, may go unseen by a check."""
    found = told(query, stored)
    if found is None:
        return False, False
    kind = decide(found.probability, OperatingPoint.BALANCED, FITTED)
    match = Match(
        image_id="stored",
        content_id="stored",
        external_id=None,
        relation=found.relation,
        edits=found.edits,
        direction=found.direction,
        probability=found.probability,
        similarity=None,
        evidence=found.evidence,
        recommendation=Recommendation(Action.KEEP),
    )
    copies, others = ([match], []) if kind is VerdictKind.DUPLICATE else ([], [match])
    about, matches = recommend(kind, query.assessed, copies, others, {"stored": stored.assessed}, DEFAULT)
    return about.action is Action.DELETE, matches[0].recommendation.action is Action.DELETE


def in_a_folder(first: Subject, second: Subject, matcher: ByAppearance | ByHash) -> tuple[bool, bool]:
    """Whether the first, and whether the second, would go by the matcher."""
    with closing(matcher):
        looked = [(Scanned(name, None, one.assessed), one.working) for name, one in (("a", first), ("b", second))]
        found = find(looked, matcher, Keep.BEST, silent, DEFAULT)
    going = {found.pictures[loser].name for one in found.sets for loser, _ in one.losers}
    return "a" in going, "b" in going


def judged(photograph: Subject, copy: Subject) -> dict[str, tuple[bool, bool]]:
    """By each way, whether the original and whether the copy would go unseen."""
    copy_goes, original_goes = checked(copy, photograph)
    return {
        "check of the copy": (original_goes, copy_goes),
        "check of the original": checked(photograph, copy),
        "appearance": in_a_folder(photograph, copy, ByAppearance()),
        "hash": in_a_folder(photograph, copy, ByHash()),
    }


def measure(half: str, count: int, pool: DecodePool) -> dict[str, dict[str, dict[str, int]]]:
    """How often what goes, by kind of copy and by way."""
    chance = random.Random(SEED)  # noqa: S311 - pictures, not secrets
    files = chance.sample(photographs(half), count)
    tally = {kind: {way: Counter[str]() for way in WAYS} for kind in COPIES}
    for data in files:
        picture, subject = original(data), subject_of(data, pool)
        for kind, make in COPIES.items():
            found = judged(subject, subject_of(make(picture, chance), pool))
            for way, (original_goes, copy_goes) in found.items():
                tally[kind][way][ORIGINAL if original_goes else COPY if copy_goes else NEITHER] += 1
    return {kind: {way: dict(counted) for way, counted in by_way.items()} for kind, by_way in tally.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("report", "fit"), default="report")
    parser.add_argument("--photographs", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data=Path(folder)).model_copy(update={"decode_children": 1})
        with closing(wiring.decoders(settings)) as pool:
            found = measure(asked.half, asked.photographs, pool)
    result = {"photographs": asked.photographs, "seed": SEED, "policy": DEFAULT.name, "by_copy": found}
    if asked.half == "report":
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
