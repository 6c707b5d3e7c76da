"""T7, T10, T12, T13: bodies and clients that go wrong, over real sockets against a real service.

The figures in full, with a GiB where there are 64 MiB here, are `benchmarks/hostile.py`'s.
"""

import itertools
import select
import socket
import time

import pytest

from benchmarks.hostile.attacks import Bystander, attacks, parse_answer, read_to_end, send
from benchmarks.hostile.pictures import bombs, encoded, flat_pictures, foreign_files, scene
from benchmarks.hostile.service import BODY_LIMIT, METER, MIB, PATHS, hostile_service

GOOD = encoded(scene(1), "JPEG")
QUICK_HEADERS = "patience.HEADER_SECONDS = 0.5"
BOMBS = bombs()
REFUSALS = {"ICO": "unsupported-picture", "JPEG 2000": "unsupported-picture", "AVIF extents": "broken-image"}
"""The rest are `picture-too-large`; of the last, the container contradicts its own pixels."""
ATTACKS = {attack.name: attack for attack in attacks(good=GOOD)}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    with hostile_service(folder, METER, QUICK_HEADERS, KEEPONE_UPLOAD_GRACE="0.5") as made:
        yield made


@pytest.fixture
def client(service):
    with service.client() as made:
        yield made


@pytest.mark.parametrize(("name", "path"), list(itertools.product(ATTACKS, PATHS)))
def test_a_body_that_goes_wrong_is_cut(service, name, path):
    """T12: a problem, the connection closed, little read, nothing left on disk, and others served meanwhile."""
    attack = ATTACKS[name]
    with Bystander(service, GOOD) as other:
        outcome = send(service, path, attack)
    assert outcome.status in attack.statuses
    assert outcome.problem["status"] == outcome.status
    assert outcome.closed
    assert outcome.received <= BODY_LIMIT + MIB
    assert service.spooled() == []
    assert other.is_served()
    assert service.is_alive()


def test_a_declared_length_over_the_limit_costs_no_reading(service):
    """Refused by its header."""
    assert send(service, "/images", ATTACKS["512 MiB file, declared"]).received < MIB


def test_a_client_that_vanishes_leaves_nothing(service, client):
    """Half a body, then no client."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
        port = sock.getsockname()[1]
        head = "POST /images HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
        sock.sendall(f"{head}Content-Length: {8 * MIB}\r\n\r\n--edge\r\n".encode() + bytes(2 * MIB))
    assert service.received(port) >= 0
    assert service.spooled() == []
    assert client.get("/stats").json()["images"] == 0


def test_an_upload_that_trickles_is_cut(service):
    """T13: bytes keep coming, but slower than the least rate; a 408 and the end of the connection."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
        head = "POST /images HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
        sock.sendall(f"{head}Content-Length: {8 * MIB}\r\n\r\n--edge\r\n".encode())
        deadline = time.monotonic() + 10
        while not select.select([sock], [], [], 0.02)[0] and time.monotonic() < deadline:
            sock.sendall(b"x")
        answer, closed = read_to_end(sock)
    status, problem = parse_answer(answer)
    assert (status, problem["type"], closed) == (408, "/problems/request-timeout", True)


def test_headers_that_never_end_are_cut(service):
    """T13: a connection that sends a byte now and then does not stay."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as sock:
        sock.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        began = time.monotonic()
        answer, closed = read_to_end(sock)
    assert (answer, closed) == (b"", True)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_header(service, client, name):
    """T10: fast, and at no cost in the API process. The plan's 50 ms are five times that here, for busy machines."""
    service.forget_peak()
    before, times = service.memory("VmRSS"), []
    for _ in range(3):
        began = time.monotonic()
        answer = client.post("/check-duplicate", files={"file": BOMBS[name]})
        times.append(time.monotonic() - began)
        assert answer.json()["type"].rpartition("/")[2] == REFUSALS.get(name, "picture-too-large")
    assert min(times) < 0.25
    assert service.memory("VmHWM") - before <= 64 * MIB


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/check-duplicate?top_k=1000000000", b"{}", 422),
        ("/check-duplicate", b'{"image_base64":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
        ("/images", b'{"metadata":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, 400),
        ("/images/precheck", b"[" * 500_000, 400),
        ("/images/precheck", b'{"sha256":[' + b'"",' * 300_000 + b'""]}', 422),
    ],
)
def test_greedy_json_is_refused(service, client, path, body, status):
    """T10: depth and numbers cost nothing either."""
    service.forget_peak()
    before = service.memory("VmRSS")
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, len(answer.content) < MIB) == (status, True)
    assert service.memory("VmHWM") - before <= 64 * MIB


def test_pictures_that_show_nothing_match_by_bytes_or_pixels_only(client):
    """T7: 100 of them, 0 near-duplicate verdicts."""
    made = [client.post("/images", files={"file": data}).json() for data in flat_pictures()]
    try:
        assert [one["too_little_detail"] for one in made] == [True] * 100
        near = [one for one in made if one["verdict"] != "unique" and not one["matches"][0]["evidence"]["pixels_equal"]]
        assert near == []
        again = client.post("/check-duplicate", files={"file": flat_pictures()[0]}).json()
        assert again["matches"][0]["relation"] == "identical"
    finally:
        for one in made:
            client.delete(f"/images/{one['image_id']}")


def test_a_foreign_format_reaches_no_decoder(client):
    """T3: whatever its name says."""
    answers = {
        name: client.post("/images", files={"file": ("a.jpg", data, "image/jpeg")}).json()["type"]
        for name, data in foreign_files().items()
    }
    assert len(answers) > 15
    assert set(answers.values()) == {"/problems/unsupported-picture"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_cut_file_is_refused_or_shows_every_pixel(client, kind):
    """T2, at 10 of the 200 places."""
    whole = encoded(scene(2), kind)
    image = client.post("/images", files={"file": whole}).json()["image_id"]
    for at in range(len(whole) // 11, len(whole), len(whole) // 11):
        answer = client.post("/check-duplicate", files={"file": whole[:at]})
        if answer.is_success:
            assert answer.json()["matches"][0]["evidence"]["pixels_equal"]
        else:
            assert answer.json()["type"] == "/problems/truncated-image"
    client.delete(f"/images/{image}")
