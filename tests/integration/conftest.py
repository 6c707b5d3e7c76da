"""A real application with its own data folder, in this process or in one of its own; no part of it is a stand-in."""

import json
import logging
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from benchmarks.hostile.pictures import encoded, scene
from benchmarks.hostile.service import hostile_service
from service.api.app import create_app
from service.settings import Settings
from service.wiring import open_keys

ROOT = Path(__file__).parent.parent.parent
ORIGIN = "http://127.0.0.1"
HERE = ("127.0.0.1", 50_000)


def settings_for(folder, **given):
    return Settings(_env_file=None, data=folder / "data", **{"decode_children": 2, "queue_seconds": 30, **given})


@contextmanager
def running(folder, **given):
    """A client on this machine, of an application whose parts are open."""
    with TestClient(create_app(settings_for(folder, **given)), base_url=ORIGIN, client=HERE) as client:
        yield client


@pytest.fixture(scope="session")
def run_app():
    return running


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """An application without keys, shared by the tests of a module."""
    with running(tmp_path_factory.mktemp("keepone")) as made:
        yield made


@pytest.fixture
def empty(tmp_path):
    """An application without keys and with nothing in it."""
    with running(tmp_path) as made:
        yield made


class Keys:
    """One key of each kind, as a client would send it."""

    def __init__(self, folder):
        with open_keys(settings_for(folder)) as keys:
            made = {scope: keys.create(scope, scope) for scope in ("read", "write", "admin")}
            made["revoked"] = keys.create("revoked", "admin")
            keys.revoke(made["revoked"].key.key_id)
        self.folder = folder
        self.text = {name: key.text for name, key in made.items()}
        self.id = {name: key.key.key_id for name, key in made.items()}

    def header(self, name):
        return {"X-API-Key": self.text[name]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keyed"))


@pytest.fixture(scope="module")
def keyed(keys):
    """An application with keys."""
    with running(keys.folder) as made:
        yield made


@pytest.fixture
def signed_in(keyed, keys):
    """Sign in with a key; gives the session's answer and the raw Set-Cookie. The client forgets it afterwards."""

    def sign_in(name):
        answer = keyed.post("/session", headers=keys.header(name))
        return answer.json(), answer.headers["set-cookie"]

    yield sign_in
    keyed.cookies.clear()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real `keepone serve`."""
    with hostile_service(tmp_path_factory.mktemp("served")) as service:
        yield service


class Pictures:
    """Drawings told apart by their seed, and their files."""

    @staticmethod
    def jpeg(seed, quality=92, **options):
        return encoded(scene(seed), "JPEG", quality=quality, **options)

    @staticmethod
    def png(seed):
        return encoded(scene(seed), "PNG")

    @staticmethod
    def small_copy(seed):
        """What a messenger makes of it: half the size, JPEG 30."""
        picture = scene(seed)
        return encoded(picture.resize((picture.width // 2, picture.height // 2)), "JPEG", quality=30)


@pytest.fixture(scope="session")
def pictures():
    return Pictures()


class Document:
    """`openapi.json`, and whether an answer is what it says."""

    def __init__(self, document):
        self.document = document
        self.paths = document["paths"]

    def operations(self):
        return [
            (method.upper(), path, operation) for path, on in self.paths.items() for method, operation in on.items()
        ]

    def departures(self, value, method, path, status):
        """Where a JSON answer departs from its schema; nothing if it is as documented."""
        content = self.paths[path][method.lower()]["responses"][str(status)]["content"]
        (media,) = content.values()
        return list(self._departures(value, media["schema"], "$"))

    def _departures(self, value, schema, where):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self._departures(value, self.document["components"]["schemas"][name], where)
            return
        if "anyOf" in schema:
            tried = [list(self._departures(value, one, where)) for one in schema["anyOf"]]
            yield from () if [] in tried else tried[0]
            return
        if "const" in schema or "enum" in schema:
            allowed = schema.get("enum", [schema.get("const")])
            yield from () if value in allowed else [f"{where}: {value!r} is none of {allowed}"]
            return
        kind = schema.get("type")
        if kind and not _is_of(kind, value):
            yield f"{where}: {value!r} is no {kind}"
            return
        if isinstance(value, dict):
            yield from self._object(value, schema, where)
        if isinstance(value, list) and "items" in schema:
            for place, item in enumerate(value):
                yield from self._departures(item, schema["items"], f"{where}[{place}]")
        if kind in ("number", "integer") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{where}: {value} is out of range"

    def _object(self, value, schema, where):
        known = schema.get("properties", {})
        yield from (f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        if known and not schema.get("additionalProperties", False):
            yield from (f"{where}.{name} is not documented" for name in value.keys() - known.keys())
        for name in value.keys() & known.keys():
            yield from self._departures(value[name], known[name], f"{where}.{name}")


def _is_of(kind, value):
    types = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool}
    if kind == "null":
        return value is None
    return isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))


@pytest.fixture(scope="session")
def document():
    return Document(create_app(Settings(_env_file=None)).openapi())


@pytest.fixture
def log_lines(caplog):
    """The facts of each canonical log line so far."""
    caplog.set_level(logging.INFO, "keepone")
    return lambda: [record.facts for record in caplog.records if record.getMessage() == "request"]


@pytest.fixture(scope="session")
def assert_problem():
    """Assert that an answer is a problem of this kind, in full shape and without our insides. Returns its body."""

    def check(answer, status, slug):
        body = answer.json()
        assert (answer.status_code, body["type"]) == (status, f"/problems/{slug}"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance"} <= body.keys()
        assert body["status"] == status
        assert body["instance"] == answer.headers["x-request-id"]
        words = json.dumps(body).lower()
        for inside in ("traceback", "sqlite", "select ", "insert ", "/tmp/", "/work/", ".py", "exception"):  # noqa: S108
            assert inside not in words
        return body

    return check
