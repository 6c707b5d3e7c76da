"""Real pictures in a real service: what checks say of them while they are alone, and among a million others."""

from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.batch import archive, hand_in, when_ended
from benchmarks.server import connected, running_service

if TYPE_CHECKING:
    from collections.abc import Sequence

PLANTED = 10_000
CHECKS = 500
"""Copies of planted pictures, and as many photographs that were never taken in."""
Query = tuple[bytes, str]
"""A file, and the external id of the picture that it is a copy of, or nothing."""


def smaller_copy(data: bytes) -> bytes:
    """Three quarters of the size, JPEG quality 50."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    out = io.BytesIO()
    picture.resize((picture.width * 3 // 4, picture.height * 3 // 4)).save(out, "JPEG", quality=50)
    return out.getvalue()


def plant(data: Path) -> None:
    """Ten thousand training pictures as one TAR, into an empty data folder."""
    with running_service(data) as base:
        job_id = hand_in(base, archive(PLANTED)[0])
        state = when_ended(base, job_id)
    if state["state"] != "succeeded":
        raise RuntimeError(f"the pictures were not taken in: {state}")


def queries() -> list[Query]:
    """Copies of planted pictures and photographs that were never taken in, by turns.

    Six of the photographs are copies all the same, and told so: five leopards lie among the planted pictures mirrored and
    cut, and the pyramid of 299091 recoloured in a frame. Of the copies twelve lie there twice, and either may come first.
    """
    files, _ = archive(PLANTED)
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        members = tar.getmembers()[:: PLANTED // CHECKS]
        copies = [(smaller_copy(_read(tar, member)), member.name) for member in members]
    photos = sorted((Path(os.environ["KEEPONE_SHARED"]) / "data" / "photos").rglob("*.jpg"))
    strangers = [(path.read_bytes(), "") for path in photos[:CHECKS]]
    return [query for pair in zip(copies, strangers, strict=False) for query in pair]


def lenders() -> list[str]:
    """SHA-256 of planted pictures that no query is a copy of."""
    hashes = list(archive(PLANTED)[1].values())
    return hashes[1 :: PLANTED // CHECKS]


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def ask(data: Path, queries: Sequence[Query]) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Each check's verdict and best match, and the milliseconds of the client and of the search within."""
    answers, waited, searched = [], [], []
    with running_service(data) as base, connected(base) as client:
        for file, _ in queries:
            began = time.perf_counter()
            told = client.post("/check-duplicate", files={"file": file}).raise_for_status().json()
            waited.append((time.perf_counter() - began) * 1000)
            searched.append(told["timings_ms"]["search"])
            best = told["matches"][0]["external_id"] if told["matches"] else None
            answers.append({"verdict": told["verdict"], "best": best})
    figures = {
        "p50_ms": round(float(np.median(waited)), 1),
        "p95_ms": round(float(np.percentile(waited, 95)), 1),
        "search_p50_ms": round(float(np.median(searched)), 1),
    }
    return answers, figures


def compared(
    queries: Sequence[Query], alone: Sequence[dict[str, Any]], among: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """How many checks say the same among the others as they said alone, and how many are right."""
    copies = [number for number, (_, wanted) in enumerate(queries) if wanted]
    strangers = [number for number, (_, wanted) in enumerate(queries) if not wanted]

    def right(answers: Sequence[dict[str, Any]]) -> dict[str, int]:
        return {
            "copies_called_duplicate_of_theirs": sum(
                answers[n]["verdict"] == "duplicate" and answers[n]["best"] == queries[n][1] for n in copies
            ),
            "strangers_called_duplicate": sum(answers[n]["verdict"] == "duplicate" for n in strangers),
        }

    return {
        "copies": len(copies),
        "strangers": len(strangers),
        "same_answer": sum(one == other for one, other in zip(alone, among, strict=True)),
        "alone": right(alone),
        "among": right(among),
    }
