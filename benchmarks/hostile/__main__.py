"""Hostile files and hostile clients against a real service: `python benchmarks/hostile.py` (needs KEEPONE_SHARED).

Starts `keepone serve` as a subprocess and hands it what breaks such services: cut, renamed, crashing and oversized
files, endless bodies, lying lengths, decoders that fail on command. The numbers T2 to T12 are those of the durability
plan. Prints a table, writes `benchmarks/results/hostile.json`, and ends with 1 if any bar is missed.

The parts that attack are used by `tests/faults/test_api_*.py` too, there with smaller numbers.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
from PIL import Image

from benchmarks.hostile.attacks import Bystander, attacks, send
from benchmarks.hostile.pictures import (
    FAULTS,
    bombs,
    encoded,
    faulty,
    flat_pictures,
    foreign_files,
    oriented,
    scene,
    upright,
)
from benchmarks.hostile.service import (
    BODY_LIMIT,
    METER,
    MIB,
    OBEY_FAULTS,
    PATHS,
    Service,
    hostile_service,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT = Path(__file__).parents[1] / "results" / "hostile.json"

OVER_METADATA = {"JPEG profile 5 MiB"}
"""Refused for its metadata, T9, which has no bar on time: 5 MiB have to come in and be read first."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    test: str
    figure: str
    bar: str
    passed: bool


def hand_in(client: httpx.Client, data: bytes, **fields: str) -> httpx.Response:
    return client.post("/images", files={"file": data}, data=fields)


def check(client: httpx.Client, data: bytes, name: str = "file", **query: int) -> httpx.Response:
    return client.post("/check-duplicate", files={"file": (name, data)}, params=query)


def slug(response: httpx.Response) -> str:
    """The problem's name, or the verdict."""
    body = response.json()
    return str(body.get("verdict") or body["type"].rpartition("/")[2])


def run_corpus(service: Service, data: Path) -> list[Row]:
    """Every file of three folders to both routes."""
    answers: Counter[str] = Counter()
    errors: list[str] = []
    slowest = 0.0
    files = [path for name in ("bad", "modes", "exif") for path in sorted((data / name).iterdir()) if path.is_file()]
    with service.client() as client:
        for path, route in itertools.product(files, PATHS):
            began = time.monotonic()
            response = client.post(route, files={"file": (path.name, path.read_bytes())})
            slowest = max(slowest, time.monotonic() - began)
            answers[f"{response.status_code} {slug(response)}"] += 1
            if response.is_server_error and response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                errors.append(f"{path.name} {response.status_code}")
    print("  ", dict(answers))
    return [
        Row("bad, modes, exif: 5xx but 503", f"{len(errors)} of {2 * len(files)} {errors[:3]}", "0", not errors),
        Row("bad, modes, exif: slowest", f"{slowest:.2f} s", "<= 5 s", slowest <= 5),
    ]


MADE = "T4 8 orientations x 4 formats"
TURNING = {"rotated", "flipped"}


def run_orientations(service: Service, data: Path) -> list[Row]:
    """T4 with pictures made here, each set against the first, then with those of the folder.

    The folder's files are nine pictures: each has another numeral drawn in its middle. So each is held against itself, laid
    upright by Pillow and saved without the tag; and against the first, of which it may be a copy that a person should see.
    """
    picture = scene(44, (640, 480))
    made = [oriented(picture, number, kind) for kind in ("JPEG", "PNG", "WEBP", "HEIC") for number in range(1, 9)]
    rows = [_orientations(service, MADE, made, {"duplicate"})]
    for name in ("Landscape", "Portrait"):
        files = [(data / "exif" / f"{name}_{number}.jpg").read_bytes() for number in range(9)]
        rows.append(_orientations(service, f"T4 data/exif {name}", files, {"duplicate", "uncertain"}))
    return rows


def _orientations(service: Service, name: str, files: list[bytes], same: set[str]) -> Row:
    with service.client() as client:
        first = hand_in(client, files[0]).json()["image_id"]
        answers = [check(client, file).json() for file in files]
        against = [files[0] if name == MADE else upright(file) for file in files]
        held = [
            client.post("/compare", files=[("file", file), ("file", other)]).json()
            for file, other in zip(files, against, strict=True)
        ]
    best = [answer["matches"][0] for answer in answers]
    good = [
        # Each file of the folder has its own number drawn upon it, so a spot may be said to be overlaid.
        answer["verdict"] in same and match["image_id"] == first and not TURNING & {*match["edits"], *itself["edits"]}
        for answer, match, itself in zip(answers, best, held, strict=True)
    ]
    least = min(itself["similarity"] for itself in held)
    print("  ", name, dict(Counter(match["relation"] for match in best)))
    figure = f"{sum(good)} of {len(good)}, least cosine {least:.4f}"
    bar = f"all {' or '.join(sorted(same))}, unturned, cosine >= 0.999"
    return Row(name, figure, bar, all(good) and least >= 0.999)


def run_cuts(service: Service, count: int = 200) -> list[Row]:
    """T2: files cut anywhere are refused, or show the very pixels of the whole."""
    rows = []
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        whole = encoded(scene(22, (320, 240)), kind)
        answers: Counter[str] = Counter()
        wrong = 0
        with service.client() as client:
            hand_in(client, whole)
            for at in np.linspace(1, len(whole) - 1, count).astype(int):
                response = check(client, whole[:at])
                answers[slug(response)] += 1
                if response.is_success:
                    wrong += response.json()["matches"][0]["relation"] != "same_pixels"
                else:
                    wrong += response.status_code not in (415, 422)
        figure = f"{count - wrong} of {count} {dict(answers)}"
        rows.append(Row(f"T2 {kind} cut", figure, "refused or the same pixels", not wrong))
    return rows


def run_renamed(service: Service) -> list[Row]:
    """T3: a foreign format in a .jpg reaches no decoder."""
    files = foreign_files()
    with service.client() as client:
        before = children_started(client)
        answers = {name: check(client, data, "picture.jpg") for name, data in files.items()}
        started = children_started(client) - before
    taken = [name for name, answer in answers.items() if slug(answer) != "unsupported-picture"]
    figure = f"{len(taken)} of {len(files)} decoded {taken}, {started:.0f} children lost"
    return [Row("T3 foreign formats as .jpg", figure, "0 decoded", not taken and not started)]


def children_started(client: httpx.Client) -> float:
    found = re.search(r"^keepone_decoder_replaced(?:_total)? (\S+)", client.get("/metrics").text, re.MULTILINE)
    assert found, "the metric of lost children is gone"
    return float(found[1])


def run_deep(service: Service) -> list[Row]:
    """T5: 20 pictures of 16 bits, all in the brighter half, where clipping to 8 bits would make every one white."""
    pictures = []
    for number in range(20):
        grey = np.asarray(scene(500 + number).convert("L"), dtype=np.uint16)
        pictures.append(encoded(Image.fromarray(grey * 128 + 32_000), "PNG" if number % 2 else "TIFF"))
    ids, pairs, found = [], 0, 0
    with service.client() as client:
        for data in pictures:
            answer = hand_in(client, data).json()
            ids.append(answer["image_id"])
        for number, data in enumerate(pictures):
            matches = check(client, data, top_k=100).json()["matches"]
            held = {match["image_id"] for match in matches if match["relation"] != "unrelated"}
            found += ids[number] in held
            pairs += len(held & set(ids[:number]))
        copies = [
            encoded(scene(500 + number).convert("L").point(lambda v: v // 2 + 125), "PNG") for number in range(20)
        ]
        same = sum(check(client, data).json()["matches"][0]["image_id"] == ids[n] for n, data in enumerate(copies))
    return [
        Row("T5 20 16-bit pictures, false pairs", f"{pairs} of 190, {found} of 20 find themselves", "0", not pairs),
        Row("T5 8-bit renderings find theirs", f"{same} of 20", "20", same == 20),
    ]


def run_flat(service: Service) -> list[Row]:
    """T7: what shows nothing matches by identical bytes or pixels only."""
    near, answers = 0, Counter[str]()
    with service.client() as client:
        for data in flat_pictures():
            answer = hand_in(client, data).json()
            answers[f"{answer['verdict']} too_little_detail={answer['too_little_detail']}"] += 1
            relation = answer["matches"][0]["relation"] if answer["matches"] else ""
            near += answer["verdict"] != "unique" and relation not in ("identical", "same_pixels")
    print("  ", dict(answers))
    return [Row("T7 100 flat pictures, near verdicts", str(near), "0", near == 0)]


def run_bombs(service: Service) -> list[Row]:
    """T10: refused by the header, fast, and at no cost in memory. The quickest of three counts on a busy machine."""
    rows = []
    asks: dict[str, Callable[[httpx.Client], httpx.Response]] = {
        name: functools.partial(check, data=data) for name, data in bombs().items()
    }
    deep = b'{"image_base64":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    small = encoded(scene(1), "PNG")
    asks["top_k 1e9"] = lambda client: check(client, small, top_k=10**9)
    asks["JSON depth 10,000"] = lambda client: client.post(
        "/check-duplicate", content=deep, headers={"Content-Type": "application/json"}
    )
    with service.client() as client:
        for name, ask in asks.items():
            service.forget_peak()
            before, times, statuses = service.memory("VmRSS"), [], set()
            for _ in range(3):
                began = time.monotonic()
                statuses.add(ask(client).status_code)
                times.append((time.monotonic() - began) * 1000)
            grown = (service.memory("VmHWM") - before) / MIB
            figure = f"{sorted(statuses)} in {min(times):.0f} ms, API +{grown:.0f} MiB"
            refused = statuses <= {400, 413, 415, 422} and grown <= 64
            if name in OVER_METADATA:
                rows.append(Row(f"T9 {name}", figure, "4xx, <= 64 MiB", refused))
            else:
                rows.append(Row(f"T10 {name}", figure, "4xx, <= 50 ms, <= 64 MiB", refused and min(times) <= 50))
    return rows


def run_bodies(service: Service) -> list[Row]:
    """T12 in full: 512 MiB files, 1 GiB outside the parts."""
    good = encoded(scene(12), "JPEG")
    with Bystander(service, good) as alone:
        time.sleep(3)
    under: list[tuple[int, float]] = []
    rows = []
    for attack, path in itertools.product(attacks(file_mib=512, outside_mib=1024, good=good), PATHS):
        with Bystander(service, good) as other:
            outcome = send(service, path, attack)
        under += other.answers
        left = service.spooled()
        over = (outcome.received - BODY_LIMIT) / MIB
        figure = f"{outcome.status}, took {outcome.received / MIB:.2f} MiB in {outcome.seconds:.1f} s"
        fine = outcome.status in attack.statuses and outcome.status == outcome.problem.get("status")
        good_row = fine and outcome.closed and over <= 1 and not left and other.is_served()
        rows.append(Row(f"T12 {attack.name} {path}", figure, "4xx, closed, <= limit + 1 MiB", good_row))
    while_attacked = float(np.percentile([seconds for _, seconds in under], 95)) * 1000
    figure = f"p95 {alone.p95_ms():.0f} ms alone, {while_attacked:.0f} ms meanwhile"
    rows.append(Row("T12 other clients", figure, "<= 2x", while_attacked <= 2 * alone.p95_ms()))
    return rows


def run_faults(service: Service, count: int) -> list[Row]:
    """Decoders that crash, spin, over-allocate or talk nonsense; a good request beside each."""
    good = encoded(scene(13), "JPEG")
    answers: Counter[str] = Counter()
    served = 0
    with service.client() as client:
        for fault in itertools.islice(itertools.cycle(FAULTS), count):
            with Bystander(service, good) as other:
                response = check(client, faulty(fault))
            answers[f"{fault} {response.status_code} {slug(response)}"] += 1
            served += other.is_served()
    print("  ", dict(answers))
    ended = sum(number for word, number in answers.items() if word.split()[1] in ("422", "503"))
    return [
        Row("injected faults: 422 or 503", f"{ended} of {count}", "all", ended == count),
        Row("injected faults: requests beside them", f"{served} of {count} served", "all", served == count),
    ]


def survived(service: Service, name: str) -> Row:
    return Row(f"{name}: API process", f"pid {service.process.pid}", "alive, the same", service.is_alive())


def all_runs(folder: Path, shared: Path) -> list[Row]:
    """Each group with a service of its own, so that no picture of one is a match in another."""
    data = shared / "data"
    groups: dict[str, tuple[Callable[[Service], list[Row]], ...]] = {
        "corpus": (lambda service: run_corpus(service, data),),
        "pictures": (lambda service: run_orientations(service, data), run_cuts, run_renamed),
        "deep": (run_deep,),
        "flat": (run_flat,),
        "limits": (run_bombs, run_bodies),
        "faults": (lambda service: run_faults(service, 100),),
    }
    rows = []
    for name, runs in groups.items():
        began = time.monotonic()
        quick = {"KEEPONE_DECODE_SECONDS": "0.5", "KEEPONE_DECODE_CHILDREN": "2"} if name == "faults" else {}
        patches = (METER, OBEY_FAULTS) if name == "faults" else (METER,)
        with hostile_service(folder / name, *patches, KEEPONE_UPLOAD_GRACE="2", **quick) as service:
            for run in runs:
                rows += run(service)
            rows.append(survived(service, name))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return rows


def main() -> None:
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        rows = all_runs(Path(folder), shared)
    for row in rows:
        print(f"{'pass' if row.passed else 'FAIL'}  {row.test:44}  {row.figure}  (bar: {row.bar})")
    missed = [row.test for row in rows if not row.passed]
    result = {"seconds": round(time.monotonic() - began), "missed": missed, "rows": [asdict(row) for row in rows]}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rows) - len(missed)} of {len(rows)} bars met in {result['seconds']} s")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
