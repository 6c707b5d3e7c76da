"""Every error is a problem with an id, and nothing of ours is in it."""

import re

import pytest

from benchmarks.hostile.attacks import parse_answer, read_to_end
from benchmarks.hostile.pictures import encoded, png_bomb, scene
from index_store.errors import StoreFullError, StoreUnavailableError

JSON = {"Content-Type": "application/json"}
CUT = encoded(scene(1), "JPEG")[:-4000]
FORM = {"Content-Type": "multipart/form-data; boundary=edge"}


def a_file(data):
    return {"files": {"file": data}}


CASES = {
    "not a path": ("GET", "/nowhere", {}, 404, "not-found"),
    "not a page": ("GET", "/static/nothing.js", {}, 404, "not-found"),
    "not a method": ("PUT", "/images", {}, 405, "method-not-allowed"),
    "not an image": ("GET", "/images/img_1", {}, 404, "not-found"),
    "long id": ("GET", "/images/" + "x" * 65, {}, 422, "invalid-request"),
    "bad query": ("POST", "/check-duplicate?top_k=0", {}, 422, "invalid-request"),
    "huge top_k": ("POST", "/check-duplicate?top_k=1000000000", {}, 422, "invalid-request"),
    "bad point": ("POST", "/check-duplicate?operating_point=sure", {}, 422, "invalid-request"),
    "no body": ("POST", "/check-duplicate", {}, 415, "unsupported-media-type"),
    "text body": ("POST", "/images", {"content": "x", "headers": {"Content-Type": "text/plain"}}, 415, None),
    "no file": ("POST", "/images", {"files": {"picture": b"x"}}, 422, "invalid-request"),
    "file as text": ("POST", "/images", {"content": b"--edge--", "headers": FORM}, 422, "invalid-request"),
    "no boundary": (
        "POST",
        "/images",
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        400,
        None,
    ),
    "no multipart": ("POST", "/images", {"content": b"x" * 99, "headers": FORM}, 400, "bad-request"),
    "no JSON": ("POST", "/images", {"content": "{", "headers": JSON}, 400, "bad-request"),
    "deep JSON": ("POST", "/check-duplicate", {"content": "[" * 10_000, "headers": JSON}, 400, "bad-request"),
    "JSON list": ("POST", "/images", {"json": []}, 422, "invalid-request"),
    "no base64": ("POST", "/images", {"json": {"image_base64": "é"}}, 422, "invalid-request"),
    "base64 unpadded": ("POST", "/images", {"json": {"image_base64": "AAAAA"}}, 422, "invalid-request"),
    "base64 number": ("POST", "/images", {"json": {"image_base64": 7}}, 422, "invalid-request"),
    "base64 padded inside": ("POST", "/images", {"json": {"image_base64": "AA==" * 4}}, 422, "invalid-request"),
    "base64 padded at a slice's end": (
        "POST",
        "/images",
        {"json": {"image_base64": "A" * (2**20 - 2) + "==" + "AAAA"}},
        422,
        "invalid-request",
    ),
    "crowded JSON": (
        "POST",
        "/images",
        {"content": b'{"image_base64":"","x":[' + b"[]," * 200_000 + b"0]}", "headers": JSON},
        400,
        "bad-request",
    ),
    "url": ("POST", "/check-duplicate", {"json": {"url": "http://169.254.169.254/"}}, 403, "url-not-allowed"),
    "empty file": ("POST", "/images", a_file(b""), 415, "unsupported-picture"),
    "not a picture": ("POST", "/images", a_file(b"%PDF-1.7"), 415, "unsupported-picture"),
    "cut picture": ("POST", "/images", a_file(CUT), 422, "truncated-image"),
    "broken picture": ("POST", "/images", a_file(b"\x89PNG\r\n\x1a\n" + b"\xff" * 99), 422, None),
    "bomb": ("POST", "/images", a_file(png_bomb(13_312)), 413, "picture-too-large"),
    "too many bytes": ("POST", "/images", a_file(b"\xff\xd8\xff" + bytes(25 * 2**20)), 413, "picture-too-large"),
    "body too large": ("POST", "/images", a_file(bytes(27 * 2**20)), 413, "body-too-large"),
    "bad choice": ("POST", "/images", a_file(CUT) | {"data": {"on_duplicate": "x"}}, 422, "invalid-request"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_error_is_a_problem(client, assert_problem, log_lines, case):
    """Its media type, its members, its id in the header and in the log; no path, SQL or traceback."""
    method, path, request, status, slug = CASES[case]
    answer = client.request(method, path, **request)
    body = assert_problem(answer, status, slug or answer.json()["type"].rpartition("/")[2])
    line = log_lines()[-1]
    assert line["request_id"] == body["instance"]
    assert (line["status"], line["problem"]) == (status, body["type"].removeprefix("/problems/"))


def test_an_overload_is_a_warning_without_a_traceback(tmp_path, run_app, pictures, caplog):
    """It is no defect, and there may be thousands of them."""
    with run_app(tmp_path) as client:
        client.app.state.intake._limit = 1
        answer = client.post("/check-duplicate", files={"file": pictures.jpeg(1)})
        assert answer.json()["type"] == "/problems/overloaded"
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    assert (line.levelname, line.exc_info) == ("WARNING", None)


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (StoreUnavailableError("away"), "unavailable"),
        (StoreFullError("full"), "storage-full"),
        (ZeroDivisionError("oh"), "internal"),
    ],
)
def test_what_somebody_must_look_into_is_an_error_with_its_traceback(client, monkeypatch, caplog, error, slug):
    """By the id that the answer names."""

    def fail():
        raise error

    monkeypatch.setattr(client.app.state.parts.catalogue, "stats", fail)
    assert client.get("/stats").json()["type"] == f"/problems/{slug}"
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    assert (line.levelname, line.exc_info[1]) == ("ERROR", error)


@pytest.mark.parametrize("unread", [b"x" * 10, b"x" * 200_000])
def test_an_answer_that_leaves_a_body_unread_ends_the_connection(client, unread):
    """Or whoever trickles it in would stay; one whose body was read, or that had none, stays open."""
    assert client.post("/nowhere", content=unread).headers["connection"] == "close"
    assert client.request("GET", "/live", content=unread).headers["connection"] == "close"
    assert "connection" not in client.get("/live").headers
    assert "connection" not in client.post("/nowhere").headers
    assert "connection" not in client.post("/images", json=[]).headers


def test_a_defect_of_ours_is_a_problem_too(tmp_path, run_app, assert_problem, log_lines):
    """The answer tells nothing, the log line of the same id tells all."""
    with run_app(tmp_path) as client:
        client.app.state.parts.catalogue.close()
        client.app.state.parts.follower.index.__dict__.clear()
        answer = client.get("/stats")
        body = assert_problem(answer, 500, "internal")
        assert log_lines()[-1]["request_id"] == body["instance"]


@pytest.mark.parametrize("path", ["/images", "/session", "/images/img_1"])
def test_allow_names_every_method_of_the_path(client, document, path):
    """Not those of one route of several."""
    template = path.replace("img_1", "{image_id}")
    allowed = client.options(path).headers["allow"]
    assert allowed.split(", ") == sorted(method.upper() for method in document.paths[template])


@pytest.mark.parametrize("path", ["/live", "/stats", "/nowhere", "/", "/docs", "/openapi.json", "/static/page.css"])
def test_every_answer_carries_the_security_headers(client, path):
    """Nothing is sniffed, framed or loaded from elsewhere."""
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"] or path.startswith("/static")
    assert re.fullmatch(r"req_[0-9a-f]{32}", headers["x-request-id"])
    assert "server" not in headers


def test_each_request_has_an_id_of_its_own(client):
    """And a client cannot choose it."""
    asked = [client.get("/live", headers={"X-Request-ID": "mine"}).headers["x-request-id"] for _ in range(2)]
    assert len({"mine", *asked}) == 3


def test_a_log_line_says_what_was_judged(client, pictures, log_lines):
    """One line a request: route, status, time, size, verdict and image; never a file name."""
    made = client.post("/images", files={"file": ("private-name.jpg", pictures.jpeg(40))}).json()
    (line,) = log_lines()
    assert (line["route"], line["verdict"], line["image_id"]) == ("/images", "unique", made["image_id"])
    assert line["bytes_in"] > len(pictures.jpeg(40))
    assert "private-name" not in str(line)


def test_what_is_not_http_is_answered_with_a_problem_and_logged(served):
    """The server itself speaks the same language as the application."""
    import socket  # noqa: PLC0415 - only here

    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        answer, closed = read_to_end(sock)
    status, problem = parse_answer(answer)
    assert (status, problem["type"], closed) == (400, "/problems/bad-request", True)
    assert problem["instance"] in [line.get("request_id") for line in served.log()]
