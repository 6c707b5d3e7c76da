"""Hostile files and hostile clients against a real service: `python benchmarks/hostile.py` (needs KEEPONE_SHARED).

Starts `keepone serve` as a subprocess and hands it what breaks such services: cut, renamed, crashing and oversized
files, endless bodies, lying lengths, decoders that fail on command. The numbers T2 to T12 are those of the durability
plan. Prints a table, writes `benchmarks/results/hostile.json`, and ends with 1 if any bar is missed.

The parts that attack are used by `tests/faults/test_api_*.py` too, there with smaller numbers.
"""

from __future__ import annotations

import functools
import io
import itertools
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin
from pillow_heif import register_heif_opener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 2**20
RESULT = Path(__file__).parent / "results" / "hostile.json"
BODY_LIMIT = 26 * MIB
"""What a body may have by the default settings: a picture of 25 MiB and 1 MiB around it."""
OVER_METADATA = {"JPEG profile 5 MiB"}
"""Refused for its metadata, T9, which has no bar on time: 5 MiB have to come in and be read first."""
FAULTS = ("crash", "spin", "greedy", "garbage")
PATHS = ("/check-duplicate", "/images")
START_SECONDS = 60.0
PAUSE = 1 / 50
"""Pause between two looks at something that another process does."""

LAUNCHER = """
import functools
import service.api.bodies, service.cli.patience as patience, service.cli.serve as serve
from service import log
from service.cli.main import main
{patches}
main()
"""
OBEY_FAULTS = "serve.create_app = functools.partial(serve.create_app, fault_injection=True)"
METER = """
class Metered(patience.PatientProtocol):
    received = 0
    def data_received(self, data):
        self.received += len(data)
        super().data_received(data)
    def connection_lost(self, exc):
        log.event("connection", received=self.received, port=self.client[1] if self.client else None)
        super().connection_lost(exc)
patience.PatientProtocol = Metered
"""
"""Logs how many bytes the service took from each socket: what lies in the kernel's buffers was never accepted."""


@dataclass
class Service:
    """A real service in a process of its own."""

    process: subprocess.Popen[bytes]
    base: str
    folder: Path

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.base, timeout=60)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> list[dict[str, Any]]:
        """Its log lines so far."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def memory(self, name: str) -> int:
        """`VmRSS` (now) or `VmHWM` (highest since `forget_peak`) of the API process, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="utf-8")

    def spooled(self) -> list[str]:
        """Files in its temporary folder, those unlinked but still open included."""
        left = [path.name for path in self.spool.iterdir() if not path.name.startswith("keepone-budget")]
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                left += [target] if target.startswith(str(self.spool)) and target.endswith("(deleted)") else []
        return left

    def received(self, port: int) -> int:
        """Bytes it took from the connection that came from this port. Needs METER; waits until it is closed."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = [line["received"] for line in self.log() if line["event"] == "connection" and line["port"] == port]
            if found:
                return int(found[-1])
            time.sleep(PAUSE)
        raise TimeoutError(f"the connection from port {port} was never closed")


@contextmanager
def hostile_service(folder: Path, *patches: str, **environment: str) -> Iterator[Service]:
    """`keepone serve` on a free port, with everything of its own in `folder`; stopped afterwards."""
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
    variables = {**inherited, "TMPDIR": str(folder / "spool"), "KEEPONE_LOG_FORMAT": "json", **environment}
    command = [sys.executable, "-c", LAUNCHER.format(patches="\n".join(patches)), "serve", "--port", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data")], env=variables, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield Service(process, wait_for_address(process, folder / "log"), folder)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"running on (http://[\d.]+:\d+)", log.read_text(encoding="utf-8"))
        if found:
            return found[1]
        time.sleep(PAUSE)
    raise RuntimeError(f"the service did not start:\n{log.read_text(encoding='utf-8')}")


# Pictures


def scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A drawing with enough detail to be told apart from those of other seeds."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(50):
        left, top = int(rng.integers(0, size[0])), int(rng.integers(0, size[1]))
        width, height = (int(side) for side in rng.integers(4, max(8, size[0] // 5), 2))
        red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
        draw = pen.ellipse if rng.random() < 1 / 2 else pen.rectangle
        draw((left, top, left + width, top + height), fill=(red, green, blue))
    return picture


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the pixels of an upright picture lie in a file of each EXIF orientation."""


def oriented(picture: Image.Image, orientation: int, kind: str) -> bytes:
    """The picture stored turned, with the tag that turns it back."""
    register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture.transpose(TURNED[orientation]) if orientation in TURNED else picture
    return encoded(stored, "HEIF" if kind == "HEIC" else kind, exif=exif.tobytes(), quality=90)


def flat_pictures() -> list[bytes]:
    """100 pictures that show nothing: flat, blank, 1x1, placeholders, transparent."""
    rng = np.random.default_rng(7)
    made = [encoded(Image.new("RGB", (40 + 9 * n, 30 + 7 * n), (n * 12, 255 - n * 9, n * 5)), "PNG") for n in range(20)]
    made += [encoded(Image.new("RGB", (64 + n, 64), (n, n, n)), "JPEG", quality=60 + n) for n in range(20)]
    made += [
        encoded(Image.new("RGB", (1, 1), tuple(int(c) for c in rng.integers(0, 256, 3))), "PNG") for _ in range(20)
    ]
    for n in range(20):  # grey, with the frame and the icon that shops and forums show where a picture is missing
        placeholder = Image.new("RGB", (200 + 10 * n, 200), (238, 238, 238))
        pen = ImageDraw.Draw(placeholder)
        pen.rectangle((0, 0, placeholder.width - 1, placeholder.height - 1), outline=(236, 236, 236))
        pen.rectangle((90 + n, 95, 98 + n, 101), outline=(230, 230, 230))
        made.append(encoded(placeholder, "PNG"))
    for n in range(20):
        hidden = rng.integers(0, 256, (50 + n, 60, 4), dtype=np.uint8)
        hidden[..., 3] = 0
        made.append(encoded(Image.fromarray(hidden, "RGBA"), "PNG"))
    return made


def png_header(width: int, height: int, depth: int, rest: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zeroes(count: int) -> bytes:
    """So many zero bytes, deflated."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(min(MIB, count - at))) for at in range(0, count, MIB)]
    return b"".join([*parts, packer.flush()])


def png_bomb(side: int) -> bytes:
    """A square picture of one bit a pixel: 13,312 a side are 177 MP in some 22 KB."""
    pixels = zeroes(side * (1 + (side + 7) // 8))
    return png_header(side, side, 1, chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def bombs() -> dict[str, bytes]:
    """Small files that say they are large; all to be refused by their header."""
    small = encoded(scene(1, (32, 32)), "AVIF")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x08\x02\x4c\x01\x00;"
    text = chunk(b"zTXt", b"Comment\0\0" + zeroes(64 * MIB))
    return {
        "PNG 177 MP": png_bomb(13_312),
        "PNG 400 MP": png_bomb(20_000),
        "PNG 20,000 a side": encoded(Image.new("1", (20_000, 2)), "PNG"),
        "JPEG profile 5 MiB": encoded(scene(1), "JPEG", icc_profile=bytes(5 * MIB)),
        "PNG zTXt 64 MiB": png_header(8, 8, 8, text + chunk(b"IDAT", zeroes(72)) + chunk(b"IEND", b"")),
        "GIF extents": b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6) + frame,
        "GIF screen": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6) + frame,
        "BMP 4 GP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 65_535, 65_535, 1, 24, 0, 0, 0, 0, 0, 0),
        "AVIF extents": small.replace(struct.pack(">II", 32, 32), struct.pack(">II", 60_000, 60_000)),
        "ICO": b"\0\0\x01\0\x01\0" + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, 2**30, 22),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
        "JPEG 4 GP": re.sub(
            rb"(\xff\xc0\0\x11\x08)....", rb"\1" + b"\xff\xff" * 2, encoded(scene(1), "JPEG"), count=1, flags=re.DOTALL
        ),
    }


def foreign_files() -> dict[str, bytes]:
    """One file for each format that Pillow can write and Keepone does not take, and three that are documents."""
    register_heif_opener()
    Image.init()
    taken = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"}
    made = {
        "EPS by hand": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "PDF by hand": b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n",
    }
    for name in sorted(set(Image.SAVE) - taken):
        for mode in ("RGB", "L", "1", "P", "RGBA", "F"):
            with suppress(OSError, ValueError, KeyError, TypeError, NotImplementedError):
                made[name] = encoded(scene(3, (64, 64)).convert(mode), name)
                break
    return made


def faulty(fault: str) -> bytes:
    """A good picture whose decoder does what it says, in a service that obeys."""
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", f"KEEPONE-FAULT:{fault}")
    return encoded(scene(5, (64, 48)), "PNG", pnginfo=note)


# Bodies that go wrong, over plain sockets


@dataclass(frozen=True)
class Attack:
    """A body to send. `length` is what Content-Length says; None sends it chunked."""

    name: str
    length: int | None
    parts: Callable[[], Iterator[bytes]]
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What came back. `status` is 0 where the connection was cut without an answer."""

    status: int
    problem: dict[str, Any]
    received: int
    closed: bool
    seconds: float


START = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
END = b"\r\n--edge--\r\n"


def repeated(before: bytes, block: bytes, count: int, after: bytes = b"") -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([before], itertools.repeat(block, count), [after])


def attacks(*, file_mib: int = 512, outside_mib: int = 64, good: bytes) -> list[Attack]:
    """T12's bodies. Everything that is too long is refused as 413, or as 400 where it is no multipart either."""
    block, files, outside = bytes(MIB), file_mib, outside_mib
    whole = len(START) + files * MIB + len(END)
    part = b'--edge\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    header = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="'
    noise = b"x" * MIB
    return [
        Attack(f"{files} MiB file, declared", whole, repeated(START, block, files, END), (413,)),
        Attack(f"{files} MiB file, chunked", None, repeated(START, block, files, END), (413,)),
        Attack("length too short", 1000, repeated(START, noise, 8, END), (400, 422)),
        Attack("length too long", 8 * MIB, repeated(START + good, b"", 0), (408,)),
        Attack("length not a number", -1, repeated(START + good + END, b"", 0), (400,)),
        Attack(f"{outside} MiB preamble", None, repeated(b"", noise, outside, START + good + END), (400, 413)),
        Attack(f"{outside} MiB epilogue", None, repeated(START + good + END, noise, outside), (400, 413)),
        Attack("1,001 parts", None, repeated(b"", part, 1001, START + good + END), (400,)),
        Attack("1,001 files", None, repeated(b"", START + b"\r\n", 1001, END), (400,)),
        Attack("10 MiB part header", None, repeated(header, noise, 10, b'"\r\n\r\n' + END), (400, 413)),
    ]


def send(service: Service, path: str, attack: Attack, *, patience_s: float = 60) -> Outcome:
    """Send until the service answers or cuts; then read what it said. Needs METER."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.port), timeout=patience_s) as sock:
        port = sock.getsockname()[1]
        length = "Transfer-Encoding: chunked" if attack.length is None else f"Content-Length: {attack.length}"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n{length}"
        )
        with suppress(ConnectionError):
            sock.sendall(head.encode() + b"\r\n\r\n")
            for piece in attack.parts():
                for at in range(0, len(piece), MIB // 4):
                    some = piece[at : at + MIB // 4]
                    sock.sendall(b"%x\r\n%s\r\n" % (len(some), some) if attack.length is None else some)
                if select.select([sock], [], [], 0)[0]:
                    break
            else:
                if attack.length is None:
                    sock.sendall(b"0\r\n\r\n")
        answer, closed = read_to_end(sock)
    status, problem = parse_answer(answer)
    return Outcome(status, problem, service.received(port), closed, time.monotonic() - began)


def read_to_end(sock: socket.socket) -> tuple[bytes, bool]:
    """All that comes, and whether the other side closed."""
    answer = b""
    try:
        while data := sock.recv(65_536):
            answer += data
    except ConnectionError:
        return answer, True
    except TimeoutError:
        return answer, False
    return answer, True


def parse_answer(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0
    if b"application/problem+json" not in head:
        return status, {}
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    problem: dict[str, Any] = json.loads(body[: int(length[1])] if length else body)
    return status, problem


class Bystander:
    """Another client, asking all the while. `answers` are (status, seconds)."""

    def __init__(self, service: Service, picture: bytes) -> None:
        self.answers: list[tuple[int, float]] = []
        self._service, self._picture = service, picture
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with self._service.client() as client:
            while True:
                began = time.monotonic()
                status = client.post("/check-duplicate", files={"file": self._picture}).status_code
                self.answers.append((status, time.monotonic() - began))
                if self._stop.is_set():
                    return

    def is_served(self) -> bool:
        return all(status == httpx.codes.OK for status, _ in self.answers)

    def p95_ms(self) -> float:
        return float(np.percentile([seconds for _, seconds in self.answers], 95)) * 1000

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


# The runs


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


def run_orientations(service: Service, data: Path) -> list[Row]:
    """T4 with pictures made here, then with those of the folder, each set against the first of it."""
    picture = scene(44, (640, 480))
    sets = {
        "T4 8 orientations x 4 formats": [
            oriented(picture, number, kind) for kind in ("JPEG", "PNG", "WEBP", "HEIC") for number in range(1, 9)
        ],
        "T4 data/exif Landscape": [(data / "exif" / f"Landscape_{n}.jpg").read_bytes() for n in range(9)],
        "T4 data/exif Portrait": [(data / "exif" / f"Portrait_{n}.jpg").read_bytes() for n in range(9)],
    }
    rows = []
    for name, files in sets.items():
        with service.client() as client:
            first = hand_in(client, files[0]).json()["image_id"]
            answers = [check(client, file).json() for file in files]
        best = [answer["matches"][0] for answer in answers]
        good = [
            answer["verdict"] == "duplicate" and match["image_id"] == first and not match["edits"]
            for answer, match in zip(answers, best, strict=True)
        ]
        least = min(match["similarity"] for match in best)
        print("  ", name, dict(Counter(match["relation"] for match in best)))
        figure = f"{sum(good)} of {len(good)}, least cosine {least:.4f}"
        rows.append(Row(name, figure, "all duplicates unturned, cosine >= 0.999", all(good) and least >= 0.999))
    return rows


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
