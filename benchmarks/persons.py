"""Removing duplicates from a made tree of persons, held to what it was made of: `python -m benchmarks.persons`.

Twenty persons have a hundred pictures each, made from photographs and from frames of a turntable (needs KEEPONE_SHARED):
originals, the same bytes again, the same pixels in another format, saved anew, half-sized, cropped, captioned and
mirrored, and neighbouring frames, which are no copies. What each picture is made of and how is written down as it is
made, and for each matcher which kinds are to go. The tree is imported by the command, planned with each matcher and
removed with one through a real service; then answer, backup and `metadata.json` are read, all of it is undone, and rows,
originals and the exported tree are held to what they were. Writes `benchmarks/results/persons.json`.

    python -m benchmarks.persons [--persons 20] [--place FOLDER] [--matchers …]

With a place, tree and store stay there; the next run uses them again, and the figures of matchers that it leaves out stay.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageOps

from benchmarks.server import connected, running_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

PERSONS, SOURCES, FRAMES = 20, 20, 7
RESULT = Path(__file__).parent / "results" / "persons.json"
COPIES = ("bytes", "pixels", "reencoded", "resized")
"""Kinds that show the whole of their source: one of all these and the original is to stay, by every matcher."""
MATCHERS: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "appearance": ({}, COPIES, ("captioned",)),
    "hash": ({}, COPIES, ("captioned",)),
    "copy": ({}, COPIES, ("cropped",)),
    "similar:builtin": ({"threshold": 0.98}, COPIES, ("captioned", "cropped")),
}
"""With their parameters: what is to go, and what may go or stay. All else must stay."""
FEWER = {"copy": 3}
"""Geometry is asked of every pair of look-alikes: of so many persons it tells enough."""
REMOVES_BY = "appearance"
TIMEOUT = 3600.0


@dataclass(frozen=True, slots=True)
class Made:
    """One picture of the tree, and what it was made of."""

    kind: str
    source: str


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _reencoded(data: bytes) -> tuple[bytes, str]:
    return _saved(_opened(data), "JPEG", quality=60), "jpg"


def _resized(data: bytes) -> tuple[bytes, str]:
    picture = _opened(data)
    return _saved(picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS), "JPEG"), "jpg"


def _pixels(data: bytes) -> tuple[bytes, str]:
    return _saved(_opened(data), "PNG"), "png"


def _bytes(data: bytes) -> tuple[bytes, str]:
    return data, "jpg"


def _cropped(data: bytes) -> tuple[bytes, str]:
    picture = _opened(data)
    box = (picture.width // 10, picture.height // 10, picture.width, picture.height)
    return _saved(picture.crop(box), "JPEG", quality=90), "jpg"


def _captioned(data: bytes) -> tuple[bytes, str]:
    picture = _opened(data)
    drawing, (width, height) = ImageDraw.Draw(picture), picture.size
    drawing.rectangle((width // 20, height * 17 // 20, width * 19 // 20, height * 19 // 20), fill="white")
    drawing.text((width // 15, height * 7 // 8), "a caption that was not there before", fill="black")
    return _saved(picture, "JPEG", quality=90), "jpg"


def _mirrored(data: bytes) -> tuple[bytes, str]:
    return _saved(ImageOps.mirror(_opened(data)), "JPEG", quality=90), "jpg"


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


EDITS: dict[str, tuple[Callable[[bytes], tuple[bytes, str]], int]] = {
    "reencoded": (_reencoded, 20),
    "resized": (_resized, 15),
    "pixels": (_pixels, 10),
    "bytes": (_bytes, 3),
    "cropped": (_cropped, 10),
    "captioned": (_captioned, 8),
    "mirrored": (_mirrored, 7),
}
"""With how many of a person's twenty sources it is done to: with originals and frames a hundred pictures."""


def make_tree(shared: Path, tree: Path, persons: int) -> dict[str, dict[str, Made]]:
    """Write the tree, and what each of its pictures is: by person and name."""
    photos = sorted((shared / "data" / "photos").rglob("*.jpg"))
    frames = sorted((shared / "data" / "bursts").glob("*.png"))
    truth: dict[str, dict[str, Made]] = {}
    for number in range(persons):
        person = f"PERSON-{number + 1:04d}"
        made = truth.setdefault(person, {})
        for name, data, what in _of_person(photos[number::PERSONS], frames[FRAMES * number :][:FRAMES]):
            path = tree / person / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            made[name] = what
        (tree / person / "metadata.json").write_text(json.dumps({"camera": "made", "year": 2026}), encoding="utf-8")
    return truth


def _of_person(photos: list[Path], frames: list[Path]) -> Iterator[tuple[str, bytes, Made]]:
    for place, photo in enumerate(photos[:SOURCES]):
        data = photo.read_bytes()
        yield f"originals/{photo.name}", data, Made("original", photo.stem)
        for kind, (edit, count) in EDITS.items():
            if place < count:
                edited, ending = edit(data)
                yield f"{kind}/{photo.stem}.{ending}", edited, Made(kind, photo.stem)
    for frame in frames:
        yield f"frames/{frame.name}", frame.read_bytes(), Made("frame", frame.stem)


def keepone(*words: str, data: Path) -> str:
    """What the command printed. Raises CalledProcessError."""
    command = [sys.executable, "-m", "service.cli", *words, "--data", str(data)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def judged(
    results: list[dict[str, Any]], truth: dict[str, dict[str, Made]], names: dict[str, str], matcher: str
) -> Any:
    """What a matcher found, against what the pictures were made of."""
    _, must, may = MATCHERS[matcher]
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    families_lost = 0
    for result in results:
        made = truth[result["person_id"]]
        gone: set[str] = set()
        for duplicate in result["duplicates"]:
            loser, keeper = names[duplicate["image_id"]], names[duplicate["keeper"]]
            gone.add(loser)
            fits = made[loser].source == made[keeper].source and made[loser].kind in {"original", *must, *may}
            (right if fits else wrong)[made[loser].kind] += 1
        for source in {what.source for what in made.values() if what.kind == "original"}:
            whole = [name for name, what in made.items() if what.source == source and what.kind in {"original", *must}]
            left = [name for name in whole if name not in gone]
            family = [name for name, what in made.items() if what.source == source]
            families_lost += all(name in gone for name in family)
            for name in sorted(left, key=lambda name: made[name].kind == "original")[: max(0, len(left) - 1)]:
                missed[made[name].kind] += 1
    expected = sum(
        sum(what.kind in must for what in made.values()) for made in truth.values()
    )  # of each source one of original and copies stays
    return {
        "expected": expected,
        "found": sum(result["duplicates_found"] for result in results),
        "right": dict(sorted(right.items())),
        "wrong": dict(sorted(wrong.items())),
        "missed": dict(sorted(missed.items())),
        "sources_without_a_picture_left": families_lost,
        "doubtful": sum(len(result["doubtful"]) for result in results),
    }


def ask(http: httpx.Client, persons: list[str], **more: Any) -> dict[str, Any]:
    """`POST /persons/remove-duplicates`, confirmed where that is asked for."""
    body = {"person_ids": persons, **more}
    answer = http.post("/persons/remove-duplicates", json=body)
    if answer.status_code == 409:
        answer = http.post("/persons/remove-duplicates", json=body | {"confirm_token": answer.json()["confirm_token"]})
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def images_of(http: httpx.Client, person: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = http.get(
            f"/persons/{person}/images", params={"limit": 500, **({"cursor": cursor} if cursor else {})}
        ).json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def departures(told: dict[str, Any]) -> list[str]:
    """Where the answer is not what the contract says."""
    wrong = [name for name in ("success", "results", "total_removed", "backup_created") if name not in told]
    for result in told["results"]:
        for name in ("person_id", "duplicates_found", "duplicates_removed", "kept", "removed", "skipped"):
            wrong += [] if name in result else [f"results.{name}"]
        if len(result["kept"]) + len(result["removed"]) != sum(EDITS[kind][1] for kind in EDITS) + SOURCES + FRAMES:
            wrong.append(f"{result['person_id']}: kept and removed are not all")
    if told["total_removed"] != sum(result["duplicates_removed"] for result in told["results"]):
        wrong.append("total_removed")
    return wrong


def backup_departures(tree: Path, outputs: Path, told: dict[str, Any], names: dict[str, str]) -> list[str]:
    """What is in the backup and is not, byte for byte, what was removed; and the other way round."""
    wrong: list[str] = []
    for result in told["results"]:
        folder = outputs / "duplicates_backup" / result["person_id"] / told["backup_id"]
        listed = json.loads((folder / "removed.json").read_bytes()) if result["removed"] else []
        if {one["image_id"] for one in listed} != {*result["removed"]}:
            wrong.append(f"{result['person_id']}: the list is another")
        for one in listed:
            original = tree / result["person_id"] / names[one["image_id"]]
            if (folder / one["file"]).read_bytes() != original.read_bytes():
                wrong.append(f"{result['person_id']}/{names[one['image_id']]}")
    return wrong


def metadata_departures(folder: Path, told: dict[str, Any], names: dict[str, str], count: int) -> list[str]:
    wrong: list[str] = []
    for result in told["results"]:
        said = json.loads((folder / result["person_id"] / "metadata.json").read_bytes())
        right = {
            "camera": said.get("camera") == "made",
            "year": said.get("year") == 2026,
            "image_count": said["image_count"] == count - result["duplicates_removed"],
            "removed": sorted(one["name"] for one in said["removed"])
            == sorted(names[one] for one in result["removed"]),
            "last_removal": (said["last_removal"] is not None) is bool(result["removed"]),
        }
        wrong += [f"{result['person_id']}: {name}" for name, holds in right.items() if not holds]
    return wrong


def rows(data: Path) -> str:
    """A digest over all that an undo must bring back."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(data / "catalogue.sqlite")) as connection:
        for table in ("image", "content", "vector", "person", "match"):
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):  # noqa: S608 - names of ours
                digest.update(repr(row).encode())
    return digest.hexdigest()


def held(tree: Path) -> dict[str, str]:
    """SHA-256 of each file of a tree, by name, without `metadata.json`."""
    files = (path for path in sorted(tree.rglob("*")) if path.is_file() and path.name != "metadata.json")
    return {path.relative_to(tree).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def imported(shared: Path, place: Path, count: int) -> dict[str, dict[str, Made]]:
    """The truth about a tree that lies in the store; both are made unless they are there."""
    kept = place / "truth.json"
    if kept.exists():
        said = json.loads(kept.read_bytes())
        return {name: {below: Made(*what) for below, what in made.items()} for name, made in said.items()}
    truth = make_tree(shared, place / "tree", count)
    keepone("persons", "import", str(place / "tree"), data=place / "data")
    said = {name: {below: (what.kind, what.source) for below, what in made.items()} for name, made in truth.items()}
    kept.write_text(json.dumps(said), encoding="utf-8")
    return truth


def run(shared: Path, place: Path, count: int, matchers: list[str]) -> dict[str, Any]:
    data, tree, outputs = place / "data", place / "tree", place / "data" / "processing" / "outputs"
    truth = imported(shared, place, count)
    persons = sorted(truth)
    told: dict[str, Any] = {"persons": count, "pictures": sum(map(len, truth.values())), "by_matcher": {}}
    with running_service(data) as base, connected(base, timeout=TIMEOUT) as http:
        names = {image["image_id"]: image["external_id"] for person in persons for image in images_of(http, person)}
        before, stats = rows(data), counted(http)
        for matcher in matchers:
            parameters, some = MATCHERS[matcher][0], persons[: FEWER.get(matcher, count)]
            began = time.monotonic()
            found = ask(http, some, matcher=matcher, dry_run=True, **parameters)
            seconds = round(time.monotonic() - began, 1)
            judgement = judged(found["results"], {name: truth[name] for name in some}, names, matcher)
            told["by_matcher"][matcher] = {"persons": len(some), **parameters, **judgement, "seconds": seconds}
            print(matcher, json.dumps(told["by_matcher"][matcher]), flush=True)
        began = time.monotonic()
        removed = ask(http, persons, matcher=REMOVES_BY, **MATCHERS[REMOVES_BY][0])
        told["removal"] = {
            "matcher": REMOVES_BY,
            "seconds": round(time.monotonic() - began, 1),
            "success": removed["success"],
            "total_removed": removed["total_removed"],
            "departures_from_the_contract": departures(removed),
            "backup_departures": backup_departures(tree, outputs, removed, names),
            "metadata_departures": metadata_departures(
                outputs / "persons", removed, names, sum(map(len, truth.values())) // count
            ),
            "rows_changed": rows(data) != before,
        }
        began = time.monotonic()
        undone = http.post(f"/removals/{removed['removal_id']}/undo").json()
        told["undo"] = {
            "seconds": round(time.monotonic() - began, 1),
            "state": undone["state"],
            "rows_as_before": rows(data) == before,
            "stats_as_before": counted(http) == stats,
        }
    keepone("persons", "export", str(place / "out"), data=data)
    told["undo"]["exported_tree_as_imported"] = held(place / "out") == held(tree)
    told["fsck"] = json.loads(keepone("fsck", "--deep", "--json", data=data))["findings"]
    return told


def counted(http: httpx.Client) -> dict[str, Any]:
    """`/stats` without what only ever grows."""
    return {name: value for name, value in http.get("/stats").json().items() if name not in {"sequence", "index"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=PERSONS)
    parser.add_argument("--place", type=Path)
    parser.add_argument("--matchers", nargs="*", choices=list(MATCHERS), default=list(MATCHERS))
    asked = parser.parse_args()
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    if asked.place:
        told = run(shared, asked.place.resolve(), asked.persons, asked.matchers)
        before = json.loads(RESULT.read_bytes()) if RESULT.exists() else {"by_matcher": {}}
        told["by_matcher"] = before["by_matcher"] | told["by_matcher"]
    else:
        with tempfile.TemporaryDirectory(prefix="keepone-persons-") as place:
            told = run(shared, Path(place), asked.persons, asked.matchers)
    machine = {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    result = {"machine": machine, "python": platform.python_version()} | told
    if asked.persons == PERSONS:
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
