"""Who may come in: keys, sessions, and pages of other sites."""

import itertools
import re
import time
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from benchmarks.hostile.pictures import encoded, scene
from service.api.app import create_app
from service.settings import Settings
from service.wiring import open_keys

PUBLIC = {("GET", "/live"), ("GET", "/ready"), ("DELETE", "/session")}
OPERATIONS = [
    (method.upper(), path)
    for path, methods in create_app(Settings(_env_file=None)).openapi()["paths"].items()
    for method in methods
]
GUARDED = sorted(set(OPERATIONS) - PUBLIC)
WRITING = {
    ("POST", "/images"),
    ("POST", "/images/batch"),
    ("DELETE", "/images/{image_id}"),
    ("POST", "/jobs/{job_id}/cancel"),
    ("POST", "/jobs/{job_id}/resume"),
    ("POST", "/persons"),
    ("PATCH", "/persons/{person_id}"),
    ("DELETE", "/persons/{person_id}"),
    ("POST", "/persons/{person_id}/images"),
    ("POST", "/persons/remove-duplicates"),
    ("POST", "/policies"),
    ("POST", "/removals"),
    ("POST", "/removals/{removal_id}/apply"),
    ("POST", "/removals/{removal_id}/undo"),
    ("POST", "/removals/{removal_id}/purge"),
}


@pytest.fixture(autouse=True)
def _signed_out(keyed):
    """A session that one test was given is none of the next one's, whatever order they come in."""
    yield
    keyed.cookies.clear()


def ask(client, method, path, headers):
    return client.request(
        method,
        re.sub(r"{(\w+)_id}", r"\1_1", path),
        headers=headers,
    )


def test_the_document_names_the_routes_this_test_knows():
    """So that a new route is seen here."""
    assert len(OPERATIONS) == 44
    assert set(OPERATIONS) >= PUBLIC | WRITING


def wrong_keys(keys):
    good = keys.text["admin"]
    key_id, _, secret = good.partition(".")
    return {
        "none": {},
        "wrong secret": {"X-API-Key": f"{key_id}.{'A' * len(secret)}"},
        "one letter off": {"X-API-Key": good[:-1] + ("A" if good[-1] != "A" else "B")},
        "unknown id": {"X-API-Key": f"key_{'0' * 26}.{secret}"},
        "no secret": {"X-API-Key": key_id},
        "empty secret": {"X-API-Key": f"{key_id}."},
        "empty": {"X-API-Key": ""},
        "spaces": {"X-API-Key": f" {secret} "},
        "not ASCII": {"X-API-Key": "clé.é".encode()},
        "SQL": {"X-API-Key": "' OR 1=1 --.x"},
        "very long": {"X-API-Key": "k" * 8000},
        "revoked": keys.header("revoked"),
        "bearer, wrong": {"Authorization": f"Bearer {key_id}.x"},
        "bearer, revoked": {"Authorization": f"Bearer {keys.text['revoked']}"},
        "basic": {"Authorization": "Basic YTpi"},
        "revoked before a good bearer": {**keys.header("revoked"), "Authorization": f"Bearer {good}"},
    }


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_good_key_no_route_answers(keyed, keys, assert_problem, method, path):
    """T50: 401 for every kind of bad key, with the way to do better, before the body is looked at."""
    for headers in wrong_keys(keys).values():
        answer = ask(keyed, method, path, headers)
        assert_problem(answer, 401, "unauthorised")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_in_the_url_is_no_key(keyed, keys, method, path):
    """It would lie in logs and histories."""
    key = keys.text["admin"]
    for query in (f"X-API-Key={key}", f"api_key={key}", f"key={key}", f"access_token={key}"):
        assert ask(keyed, method, f"{path}?{query}", {}).status_code == 401


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_reading_key_reads_and_does_not_write(keyed, keys, assert_problem, method, path):
    """403 where something would change, and never a 401 or 403 elsewhere."""
    answer = ask(keyed, method, path, keys.header("read"))
    if (method, path) in WRITING:
        assert_problem(answer, 403, "forbidden")
    else:
        assert answer.status_code not in (401, 403)


@pytest.mark.parametrize("scope", ["write", "admin"])
@pytest.mark.parametrize(("method", "path"), sorted(WRITING))
def test_a_writing_key_writes(keyed, keys, scope, method, path):
    """By header and as a bearer token."""
    for headers in (keys.header(scope), {"Authorization": f"Bearer {keys.text[scope]}"}):
        assert ask(keyed, method, path, headers).status_code in (404, 415)


@pytest.mark.parametrize("path", ["/live", "/ready", "/", "/docs", "/openapi.json", "/static/page.css"])
def test_health_and_pages_need_no_key(keyed, path):
    """They tell nothing that is not public."""
    assert keyed.get(path).status_code == 200


def test_a_revoked_key_stops_at_once(tmp_path, run_app):
    """The next request with it is refused; a service with only revoked keys stays shut."""
    settings = Settings(_env_file=None, data=tmp_path / "data")
    with open_keys(settings) as keys:
        key = keys.create("short", "read")
    with run_app(tmp_path) as client:
        assert client.get("/stats", headers={"X-API-Key": key.text}).status_code == 200
        with open_keys(settings) as keys:
            keys.revoke(key.key.key_id)
        assert client.get("/stats", headers={"X-API-Key": key.text}).status_code == 401
        assert client.get("/stats").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "192.0.2.1", "[::2]:1", ""]
)
def test_without_keys_a_foreign_host_is_refused(client, assert_problem, host):
    """A rebound DNS name shows in Host."""
    assert_problem(client.get("/stats", headers={"Host": host}), 403, "forbidden")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "localhost:1", "[::1]", "[::1]:8000"])
def test_without_keys_loopback_names_are_served(client, host):
    """With any port."""
    assert client.get("/stats", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_keys_pages_of_other_sites_are_refused(client, assert_problem, method, path, headers):
    """A browser says whose page asks."""
    assert_problem(ask(client, method, path, headers), 403, "forbidden")


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_keys_what_a_proxy_passes_on_is_refused(client, assert_problem, method, path, name):
    """It is a peer on loopback, whoever asked it."""
    assert_problem(ask(client, method, path, {name: "127.0.0.1"}), 403, "forbidden")


@pytest.mark.parametrize("peer", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "testclient", ""])
def test_without_keys_a_peer_elsewhere_is_refused(client, assert_problem, peer):
    """Even under a loopback name, and however the service came to listen there."""
    other = TestClient(client.app, base_url=str(client.base_url), client=(peer, 1))
    assert_problem(other.get("/stats"), 403, "forbidden")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"])
def test_without_keys_a_peer_on_this_machine_is_served(client, peer):
    """By any of its addresses."""
    other = TestClient(client.app, base_url=str(client.base_url), client=(peer, 1))
    assert other.get("/stats").status_code == 200


def test_with_a_key_a_proxy_may_ask(keyed, keys):
    """Then it is the key that counts."""
    assert keyed.get("/stats", headers={**keys.header("read"), "X-Forwarded-For": "192.0.2.7"}).status_code == 200


def test_without_keys_a_cookie_of_another_keepone_means_nothing(client, signed_in, keyed):
    """Cookies know no ports: one of a service beside this one comes along."""
    _, cookie = signed_in("read")
    keyed.cookies.clear()
    for text in (cookie_of(cookie), "keepone_session=x"):
        assert client.get("/stats", headers={"Cookie": text}).status_code == 200
        assert client.post("/session", headers={"Cookie": text}).json()["scope"] == "admin"
        assert client.delete("/session", headers={"Cookie": text}).status_code == 204


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}])
def test_without_keys_the_own_page_and_the_command_line_are_served(client, headers):
    """Neither has another site's mark."""
    assert client.get("/stats", headers=headers).status_code == 200
    assert client.post("/session", headers=headers).json()["scope"] == "admin"


def cookie_of(set_cookie):
    return set_cookie.partition(";")[0]


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(signed_in):
    """HttpOnly, SameSite=Strict, and it ends."""
    session, cookie = signed_in("read")
    marks = {mark.strip().lower() for mark in cookie.split(";")}
    assert {"httponly", "samesite=strict"} <= marks
    ends = datetime.fromisoformat(session["expires_at"])
    assert 11 < (ends - datetime.now(UTC)).total_seconds() / 3600 < 13


def test_over_https_the_cookie_is_secure(keyed, keys):
    """It never travels in the clear then."""
    answer = keyed.post("https://127.0.0.1/session", headers=keys.header("read"))
    keyed.cookies.clear()
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_the_key_is_not_in_its_session(signed_in, keys):
    """Neither in the cookie nor in the answer."""
    session, cookie = signed_in("admin")
    secret = keys.text["admin"].partition(".")[2]
    assert secret not in cookie + str(session)


def test_a_session_reads_and_with_its_token_writes(keyed, signed_in):
    """What the key may, the session may."""
    session, _ = signed_in("write")
    picture = encoded(scene(1), "JPEG")
    token = {"X-CSRF-Token": session["csrf_token"]}
    assert keyed.get("/stats").status_code == 200
    assert keyed.get("/session").json()["csrf_token"] == session["csrf_token"]
    made = keyed.post("/images", files={"file": picture}, headers=token)
    assert made.status_code == 201
    assert keyed.delete(f"/images/{made.json()['image_id']}", headers=token).status_code == 204


@pytest.mark.parametrize(("method", "path"), [one for one in GUARDED if one[0] != "GET"])
def test_an_unsafe_call_by_session_needs_its_token(keyed, signed_in, assert_problem, method, path):
    """None, a wrong one and one of another session are refused."""
    other = signed_in("write")[0]["csrf_token"]
    signed_in("write")
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x" * 64}, {"X-CSRF-Token": other}):
        assert_problem(ask(keyed, method, path, headers), 403, "forbidden")


def test_a_session_has_the_scope_of_its_key(keyed, signed_in, assert_problem):
    """A reader does not write by it."""
    session, _ = signed_in("read")
    headers = {"X-CSRF-Token": session["csrf_token"]}
    assert_problem(ask(keyed, "POST", "/images", headers), 403, "forbidden")


def test_a_tampered_cookie_is_refused(keyed, signed_in, assert_problem):
    """Any part of it changed: the key, the end, the chance, the signature."""
    name, _, value = cookie_of(signed_in("read")[1]).partition("=")
    keyed.cookies.clear()
    parts = value.split(".")
    forged = [
        ".".join([*parts[:place], changed, *parts[place + 1 :]])
        for place, changed in ((0, "key_0"), (1, "9999999999"), (2, "AAAA"), (3, "0" * 64))
    ]
    for text in [*forged, "", "x", "...", value[:-1], value + ".x", ".".join(parts[:-1])]:
        assert_problem(keyed.get("/stats", headers={"Cookie": f"{name}={text}"}), 401, "unauthorised")


def test_an_expired_session_is_refused(keyed, signed_in, assert_problem, monkeypatch):
    """The end is in the signed cookie, whatever the browser does."""
    signed_in("read")
    assert keyed.get("/stats").status_code == 200
    later = time.time() + 13 * 3600
    monkeypatch.setattr("service.api.auth.time.time", lambda: later)
    # A browser would have dropped the cookie by then; this client sends it all the same.
    cookie = "; ".join(f"{one.name}={one.value}" for one in keyed.cookies.jar)
    keyed.cookies.clear()
    assert_problem(keyed.get("/stats", headers={"Cookie": cookie}), 401, "unauthorised")


def test_signing_out_forgets_the_cookie(keyed, signed_in):
    """The browser is told to drop it."""
    session, _ = signed_in("read")
    answer = keyed.delete("/session", headers={"X-CSRF-Token": session["csrf_token"]})
    assert answer.status_code == 204
    assert re.search(r'keepone_session="?"?;.*max-age=0', answer.headers["set-cookie"].lower())


@pytest.mark.parametrize("cookie", [None, "x", "key_1.9999999999.a.b"])
def test_signing_out_needs_no_session(keyed, cookie):
    """Whoever is locked out by a cookie that is good no more can be rid of it."""
    answer = keyed.delete("/session", headers={} if cookie is None else {"Cookie": f"keepone_session={cookie}"})
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()


def test_a_session_is_ended_by_its_own_page_only(keyed, signed_in, assert_problem):
    """While it is good, its token is asked for."""
    signed_in("read")
    answer = keyed.delete("/session")
    assert_problem(answer, 403, "forbidden")
    assert "set-cookie" not in answer.headers


def test_a_session_opens_no_other(keyed, signed_in, keys, assert_problem):
    """Or it would never have to end; with a key the page may sign in anew."""
    session, _ = signed_in("write")
    token = {"X-CSRF-Token": session["csrf_token"]}
    answer = keyed.post("/session", headers=token)
    assert_problem(answer, 403, "forbidden")
    assert "set-cookie" not in answer.headers
    assert keyed.post("/session", headers={**token, **keys.header("read")}).status_code == 201


def test_a_session_knows_its_end(keyed, signed_in, keys):
    """The page can tell before it comes; a key has none."""
    session, _ = signed_in("read")
    assert keyed.get("/session").json() == session
    keyed.cookies.clear()
    assert keyed.get("/session", headers=keys.header("read")).json()["expires_at"] is None


def test_revoking_a_key_ends_its_sessions(tmp_path, run_app, assert_problem):
    """At once."""
    settings = Settings(_env_file=None, data=tmp_path / "data")
    with open_keys(settings) as keys:
        key = keys.create("page", "write")
    with run_app(tmp_path) as client:
        client.post("/session", headers={"X-API-Key": key.text})
        assert client.get("/stats").status_code == 200
        with open_keys(settings) as keys:
            keys.revoke(key.key.key_id)
        assert_problem(client.get("/stats"), 401, "unauthorised")


def test_no_key_is_ever_logged(keyed, keys, caplog):
    """T52: neither a good key nor a bad one, nor a cookie; only the id of a good one."""
    caplog.set_level("DEBUG")
    sent = [keys.header(name) for name in keys.text] + list(wrong_keys(keys).values())
    for headers, path in itertools.product(sent, ("/stats", "/images/x", "/nowhere")):
        keyed.get(path, headers=headers)
    cookie = cookie_of(keyed.post("/session", headers=keys.header("read")).headers["set-cookie"])
    keyed.get("/stats")
    keyed.cookies.clear()
    told = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name == "keepone")
    assert keys.id["read"] in told
    assert cookie.rpartition(".")[2] not in told
    for text in keys.text.values():
        assert text.partition(".")[2] not in told
