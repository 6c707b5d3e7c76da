"""What is kept of a picture handed in, and what can be asked about it."""

import hashlib
import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from PIL import Image

from benchmarks.hostile.pictures import encoded, scene

HOME_PLACE = "GPS-OF-SOMEBODYS-HOME"


def hand_in(client, data, **fields):
    answer = client.post("/images", files={"file": data}, data=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["image_id"]


def with_gps(seed):
    exif = Image.Exif()
    exif[0x010E] = HOME_PLACE
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.2)})
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{HOME_PLACE}</x:xmpmeta>".encode()
    return encoded(scene(seed), "JPEG", exif=exif, xmp=xmp, comment=HOME_PLACE)


def test_an_image_is_shown_in_full(client, pictures, document):
    """Its facts, its fields and its verdict as it stood when committed, as documented."""
    made = client.post("/images", files={"file": pictures.jpeg(1)}, data={"external_id": "x"}).json()
    answer = client.get(f"/images/{made['image_id']}")
    assert document.departures(answer.json(), "GET", "/images/{image_id}", 200) == []
    assert answer.json()["verdict_block"] == {
        name: value for name, value in made.items() if name not in ("image_id", "content_id", "outcome", "references")
    }


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_content_is_the_bytes_that_came(client, kind, media_type):
    """Byte for byte, under the type the bytes have, never run by a browser, and kept by no shared cache."""
    data = encoded(scene(2), kind)
    answer = client.get(f"/images/{hand_in(client, data)}/content")
    assert answer.content == data
    assert answer.headers["content-type"] == media_type
    assert answer.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["content-disposition"].startswith("inline; filename=")


def test_a_thumbnail_is_a_small_jpeg_without_any_metadata(client):
    """T9: the original keeps its GPS position, no derived file has one."""
    data = with_gps(3)
    assert HOME_PLACE.encode() in data
    image = hand_in(client, data)
    answer = client.get(f"/images/{image}/thumbnail")
    thumbnail = Image.open(io.BytesIO(answer.content))
    assert (answer.headers["content-type"], thumbnail.format) == ("image/jpeg", "JPEG")
    assert max(thumbnail.size) <= 512
    assert not thumbnail.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment"} & thumbnail.info.keys()
    assert HOME_PLACE.encode() not in answer.content
    assert client.get(f"/images/{image}/content").content == data


@pytest.mark.parametrize("path", ["content", "thumbnail"])
def test_bytes_that_a_client_has_are_not_sent_again(client, pictures, assert_problem, path):
    """304 for their ETag, also among others and marked as weak; for a removed image 404 all the same."""
    image = hand_in(client, pictures.jpeg(7))
    answer = client.get(f"/images/{image}/{path}")
    etag = answer.headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        again = client.get(f"/images/{image}/{path}", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["cache-control"] == answer.headers["cache-control"]
    for other in ('"other"', etag.strip('"'), ""):
        again = client.get(f"/images/{image}/{path}", headers={"If-None-Match": other})
        assert (again.status_code, again.content) == (200, answer.content)
    client.delete(f"/images/{image}")
    assert_problem(client.get(f"/images/{image}/{path}", headers={"If-None-Match": etag}), 404, "not-found")


def test_content_leads_nowhere_out_of_the_store(tmp_path, run_app, pictures, assert_problem):
    """A link in a blob's place is refused, and so is one that is missing; a problem, before a byte is sent."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"not a picture")
    with run_app(tmp_path) as client:
        image = hand_in(client, pictures.jpeg(8))
        name = hashlib.sha256(pictures.jpeg(8)).hexdigest()
        blob = tmp_path / "data" / "blobs" / name[:2] / name[2:4] / name
        blob.unlink()
        assert_problem(client.get(f"/images/{image}/content"), 503, "unavailable")
        blob.symlink_to(secret)
        assert_problem(client.get(f"/images/{image}/content"), 503, "unavailable")


def test_thumbnails_that_must_be_made_again_wait_with_other_picture_work(
    tmp_path, run_app, pictures, assert_problem, monkeypatch
):
    """So however many are asked for, health checks and reads have threads left."""
    with run_app(tmp_path) as client:
        image = hand_in(client, pictures.jpeg(9))
    for kept in (tmp_path / "data" / "blobs" / "derived").rglob("*.jpg"):
        kept.unlink()
    with run_app(tmp_path, uploads=1, queue_seconds=0.1) as client, ThreadPoolExecutor(1) as thread:
        begun, enough = Event(), Event()
        decode = client.app.state.parts.pool.decode

        def slow(data, **_named):
            begun.set()
            enough.wait(10)
            return decode(data, wait_s=None)  # on a busy machine a decoder may take longer to start than a queue waits

        monkeypatch.setattr(client.app.state.parts.pool, "decode", slow)
        first = thread.submit(client.get, f"/images/{image}/thumbnail")
        try:
            assert begun.wait(10)
            assert_problem(client.get(f"/images/{image}/thumbnail"), 503, "overloaded")
            assert client.get("/ready").status_code == 200
        finally:
            enough.set()
        assert first.result().status_code == 200
        assert client.get(f"/images/{image}/thumbnail").status_code == 200


def test_a_thumbnail_is_upright(client):
    """The tag that turns the original is applied, not copied."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = hand_in(client, encoded(scene(4, (480, 360)), "JPEG", exif=exif))
    thumbnail = Image.open(io.BytesIO(client.get(f"/images/{image}/thumbnail").content))
    assert thumbnail.height > thumbnail.width


def test_a_removed_image_is_shown_as_removed_and_gives_no_bytes(client, pictures, assert_problem):
    """Its row stays, its content and thumbnail are gone for clients, and it cannot be removed twice."""
    image = hand_in(client, pictures.jpeg(5))
    assert client.delete(f"/images/{image}").status_code == 204
    assert client.get(f"/images/{image}").json()["state"] == "removed"
    for path in (f"/images/{image}/content", f"/images/{image}/thumbnail"):
        assert_problem(client.get(path), 404, "not-found")
    assert_problem(client.delete(f"/images/{image}"), 404, "not-found")
    assert image not in [item["image_id"] for item in client.get("/images?limit=500").json()["items"]]


@pytest.mark.parametrize("image", ["img_00000000000000000000000000", "x", "%00", "..%2f..%2fetc", "é"])
def test_an_unknown_id_is_not_found(client, assert_problem, image):
    """Whatever it looks like."""
    for path in ("", "/content", "/thumbnail"):
        answer = client.get(f"/images/{image}{path}")
        assert_problem(answer, 404, "not-found")


def test_precheck_tells_what_is_here_before_bytes_move(client, pictures, document):
    """In the order asked."""
    hand_in(client, pictures.jpeg(6))
    known = hashlib.sha256(pictures.jpeg(6)).hexdigest()
    answer = client.post("/images/precheck", json={"sha256": ["0" * 64, known]}).json()
    assert [row["known"] for row in answer["results"]] == [False, True]
    assert document.departures(answer, "POST", "/images/precheck", 200) == []


@pytest.mark.parametrize(
    "body", [{}, {"sha256": []}, {"sha256": ["x"]}, {"sha256": ["A" * 64]}, {"sha256": ["0" * 64], "more": 1}, []]
)
def test_precheck_refuses_what_is_no_hash(client, assert_problem, body):
    """422 with each fault named."""
    assert assert_problem(client.post("/images/precheck", json=body), 422, "invalid-request")["errors"]


def test_stats_add_up(empty, pictures, document):
    """Bytes handed in are those stored or saved; what was removed still lies on disk."""
    first, again, copy, gone = (pictures.jpeg(1), pictures.jpeg(1), pictures.small_copy(1), pictures.jpeg(2))
    hand_in(empty, first)
    hand_in(empty, again)
    hand_in(empty, copy, on_duplicate="reference")
    empty.delete(f"/images/{hand_in(empty, gone)}")
    stats = empty.get("/stats").json()
    assert document.departures(stats, "GET", "/stats", 200) == []
    assert (stats["images"], stats["contents"]) == (3, 1)
    assert stats["bytes_handed_in"] == len(first) + len(again) + len(copy)
    assert stats["bytes_saved"] == len(again) + len(copy)
    assert stats["bytes_stored"] == len(first) + len(gone)
    assert stats["bytes_handed_in"] == stats["bytes_stored"] - len(gone) + stats["bytes_saved"]


@pytest.fixture(scope="module")
def listed(tmp_path_factory, run_app, pictures):
    """An application with five images: three unique ones, a copy and the same bytes again."""
    with run_app(tmp_path_factory.mktemp("listed")) as client:
        for seed, person in ((1, "A"), (2, "A"), (3, "B")):
            hand_in(client, pictures.jpeg(seed), external_id=f"unique/{seed}", person_id=person)
        hand_in(client, pictures.small_copy(1), external_id="copy/1", person_id="B")
        hand_in(client, pictures.jpeg(2), external_id="again/2")
        yield client


def names(answer):
    assert answer.status_code == 200, answer.text
    return [item["external_id"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["again/2", "copy/1", "unique/3", "unique/2", "unique/1"]),
        ({"verdict": "unique"}, ["unique/3", "unique/2", "unique/1"]),
        ({"verdict": "duplicate"}, ["again/2", "copy/1"]),
        ({"verdict": "uncertain"}, []),
        ({"relation": "identical"}, ["again/2"]),
        ({"relation": "reencoded"}, ["copy/1"]),
        ({"person_id": "A"}, ["unique/2", "unique/1"]),
        ({"external_id": "copy/1"}, ["copy/1"]),
        ({"person_id": "B", "verdict": "unique"}, ["unique/3"]),
        ({"since": "2000-01-01T00:00:00Z", "person_id": "A"}, ["unique/2", "unique/1"]),
        ({"since": "2999-01-01T00:00:00+02:00"}, []),
        ({"min_risk": 0}, ["again/2", "copy/1", "unique/3", "unique/2", "unique/1"]),
        ({"min_risk": 1}, []),
        ({"max_quality": 1}, ["again/2", "copy/1", "unique/3", "unique/2", "unique/1"]),
        ({"max_quality": 0}, []),
    ],
)
def test_images_are_listed_newest_first_by_every_filter(listed, query, expected):
    """Each condition given must hold."""
    assert names(listed.get("/images", params=query)) == expected


def test_pages_follow_one_another_without_gap_or_repeat(listed, document):
    """The cursor of a page leads to the next; the last has none."""
    seen, cursor = [], None
    for _ in itertools.repeat(None, 5):
        page = listed.get("/images", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        assert document.departures(page.json(), "GET", "/images", 200) == []
        seen += names(page)
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert seen == names(listed.get("/images"))


def test_a_picture_that_comes_in_between_does_not_move_the_pages(empty, pictures):
    """A cursor names a place, not a count."""
    for seed in (1, 2, 3):
        hand_in(empty, pictures.jpeg(seed), external_id=str(seed))
    first = empty.get("/images?limit=2").json()
    hand_in(empty, pictures.jpeg(4), external_id="4")
    second = empty.get("/images", params={"limit": 2, "cursor": first["next_cursor"]})
    assert names(second) == ["1"]


@pytest.mark.parametrize(
    "query",
    [
        "verdict=maybe", "relation=x", "min_risk=2", "max_quality=-1", "limit=0", "limit=501", "limit=x",
        "cursor=x", "cursor=%00", "cursor=", "since=yesterday", "since=0", "since=2024-01-01",
        "since=0001-01-01T00:00:00%2B10:00", "since=9999-12-31T23:59:59-10:00", "top_k=1&limit=",
    ],
)  # fmt: skip
def test_a_bad_filter_is_refused(listed, assert_problem, query):
    """422, never an empty page that looks like an answer; and what is wrong is named."""
    errors = assert_problem(listed.get(f"/images?{query}"), 422, "invalid-request")["errors"]
    assert errors[0]["where"].startswith("query.")
    assert all(row["what"] for row in errors)
