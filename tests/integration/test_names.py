"""T8: a client's names are text, never paths."""

import base64
import json
import unicodedata

import pytest

NAMES = [
    "holiday.jpg", unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg"), "🏖️👨‍👩‍👧.jpg",
    "שלום.jpg", "\u202egpj.exe", "مرحبا", "日本語.png", "../../etc/passwd", "..", ".", "/etc/passwd", "~/.bashrc",
    "a/../../b.jpg", "..\\..\\windows\\win.ini", "C:\\boot.ini", "C:", "\\\\server\\share", "CON", "NUL.jpg", "aux",
    "file:///etc/passwd", "http://169.254.169.254/", "a" * 255, "a" * 300, "é" * 2000, "%2e%2e%2f", "%00",
    "'; DROP TABLE image; --", '"><script>alert(1)</script>', "{{7*7}}", "${jndi:ldap://x}", "$(touch pwned)",
    "-rf", " leading and trailing ", "\ttab", "a\u0001b", "\ufeffbom", "\uffff", "e\u0301\u0327\u0323",
]  # fmt: skip
"""40 of them."""


def files_below(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def outside(tmp_path_factory, run_app):
    """A client, and the folder around its data folder."""
    folder = tmp_path_factory.mktemp("names")
    with run_app(folder) as client:
        yield client, folder


def test_there_are_40_names():
    """As the plan wants."""
    assert len(set(NAMES)) == 40


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:24])
def test_a_hostile_external_id_comes_back_as_it_was(outside, pictures, name):
    """The very text, and findable by it; no file outside the data folder or named after it; one content for all."""
    client, folder = outside
    body = {"external_id": name, "person_id": name[:512], "metadata": json.dumps({name: name})}
    made = client.post("/images", files={"file": pictures.jpeg(1)}, data=body)
    assert made.status_code == 201, made.text
    kept = client.get(f"/images/{made.json()['image_id']}").json()
    assert (kept["external_id"], kept["person_id"], kept["metadata"]) == (name, name[:512], {name: name})
    listed = client.get("/images", params={"external_id": name}).json()["items"]
    assert [item["image_id"] for item in listed] == [made.json()["image_id"]]
    assert client.get("/stats").json()["contents"] == 1
    assert all(path.is_relative_to(folder / "data") for path in files_below(folder))
    stem = name.strip("./\\ ")
    assert not [path for path in files_below(folder) if len(stem) > 3 and stem in path.name]


@pytest.mark.parametrize("field", ["external_id", "person_id"])
def test_a_name_with_nul_in_it_is_refused_and_not_found(outside, pictures, field):
    """PostgreSQL has no room for it, so no catalogue takes it; inside metadata it is spelled out and may stay."""
    client, _ = outside
    refused = client.post("/images", files={"file": pictures.jpeg(1)}, data={field: "a\0b"})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
    assert client.get("/images", params={field: "a\0b"}).json()["items"] == []
    kept = client.post("/images", files={"file": pictures.jpeg(1)}, data={"metadata": json.dumps({"a\0b": "a\0b"})})
    assert client.get(f"/images/{kept.json()['image_id']}").json()["metadata"] == {"a\0b": "a\0b"}


@pytest.mark.parametrize("name", [name.encode() for name in NAMES] + [b"\xff\xfe\x80.jpg"], ids=lambda b: ascii(b)[:24])
def test_a_hostile_file_name_means_nothing(outside, pictures, name):
    """It is neither kept nor used; a header that cannot be parsed is a 400."""
    client, folder = outside
    before = {path.parent for path in files_below(folder)}
    quoted = name.replace(b'"', b"%22")
    body = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n--edge--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = client.post("/images", content=body % (quoted, pictures.jpeg(1)), headers=headers)
    assert answer.status_code in (201, 400), answer.text
    assert client.get("/stats").json()["contents"] == 1
    assert {path.parent for path in files_below(folder)} <= before | set((folder / "data").rglob("*"))
    assert all(path.is_relative_to(folder / "data") for path in files_below(folder))


@pytest.mark.parametrize("field", ["external_id", "person_id"])
@pytest.mark.parametrize("text", [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_text_that_is_no_utf8_is_refused_or_kept_as_unicode(outside, pictures, field, text):
    """Never a 500, and never a name that cannot be shown."""
    client, _ = outside
    head = b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n--edge\r\n' % (field.encode(), text)
    file = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n%s\r\n--edge--\r\n' % pictures.jpeg(1)
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = client.post("/images", content=head + file, headers=headers)
    assert answer.status_code in (201, 400, 422), answer.text
    if answer.status_code == 201:
        client.get(f"/images/{answer.json()['image_id']}").json()[field].encode("utf-8")


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"])
@pytest.mark.parametrize(
    "fields",
    [
        lambda name: {"external_id": name},
        lambda name: {"person_id": name},
        lambda name: {"metadata": {"n": [name]}},
        lambda name: {"metadata": {name: 1}},
    ],
    ids=["external_id", "person_id", "metadata", "metadata key"],
)
def test_half_a_character_is_refused(outside, pictures, assert_problem, name, fields):
    """JSON can spell a lone surrogate, but it is no text: kept, it would break every list it is in."""
    client, _ = outside
    body = {"image_base64": base64.b64encode(pictures.jpeg(1)).decode(), **fields(name)}
    answer = client.post("/images", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert_problem(answer, 422, "invalid-request")
    assert client.get("/images?limit=500").status_code == 200


@pytest.mark.parametrize(("depth", "status"), [(64, 201), (65, 422), (900, 422)])
def test_metadata_are_nested_within_reason(outside, pictures, depth, status):
    """What is kept can be shown: a serialiser gives up at some depth, and then so does every list."""
    client, _ = outside
    metadata = '{"a":' * depth + "1" + "}" * depth
    answer = client.post("/images", files={"file": pictures.jpeg(1)}, data={"metadata": metadata})
    assert answer.status_code == status
    assert client.get("/images?limit=500").status_code == 200


@pytest.mark.parametrize(("size", "status"), [(262_144, 201), (262_145, 422)])
def test_metadata_have_one_limit_whichever_way_they_come(outside, pictures, size, status):
    """As JSON and, up to the limit of a form's field, as a form."""
    client, _ = outside
    metadata = {"é": "x" * (size - len('{"é":""}'.encode()))}
    body = {"image_base64": base64.b64encode(pictures.jpeg(1)).decode(), "metadata": metadata}
    answer = client.post("/images", json=body)
    assert answer.status_code == status
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    answer = client.post("/images", files={"file": pictures.jpeg(1)}, data={"metadata": text})
    assert answer.status_code == (201 if status == 201 else 400)
    assert client.get("/images?limit=500").status_code == 200


@pytest.mark.parametrize(("field", "longest"), [("external_id", 4096), ("person_id", 512)])
def test_a_name_over_its_length_is_refused(outside, pictures, assert_problem, field, longest):
    """And one of just that length is not."""
    client, _ = outside
    ask = {"files": {"file": pictures.jpeg(1)}}
    assert client.post("/images", **ask, data={field: "x" * longest}).status_code == 201
    assert_problem(client.post("/images", **ask, data={field: "x" * (longest + 1)}), 422, "invalid-request")
