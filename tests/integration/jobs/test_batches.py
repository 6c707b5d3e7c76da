"""Many pictures in one request: answered with a job, and nothing is left of what was refused."""

import json
import tempfile

import pytest

from index_store.errors import StoreFullError
from index_store.failpoints import armed
from index_store.room import Room
from service.api import staging

MIB = 2**20


@pytest.fixture(autouse=True)
def _leaves_nothing(api):
    """A refused upload leaves neither job nor file; each test takes away what it made on purpose."""
    before = api.jobs(), api.staged()
    yield
    made = [job_id for job_id in api.jobs() if job_id not in before[0]]
    left = [name for name in api.staged() if name not in before[1]]
    assert [name for name in left if name not in made] == []


@pytest.fixture
def refused(api, assert_problem):
    """Assert that a batch is refused with this problem, and that nothing came of it."""

    def check(status, slug, body, kind=None):
        before = api.jobs(), api.staged(), api.spooled()
        answer = api.batch(body, kind) if kind else api.batch(body)
        told = assert_problem(answer, status, slug)
        assert (api.jobs(), api.staged(), api.spooled()) == before
        return told

    return check


def outcomes(items):
    return [(item["name"], item["outcome"], item["verdict"]) for item in items]


def test_files_are_taken_in_as_a_job(api, uploads, pictures, document):
    """Answered at once; each file ends as an item with its outcome and its image, and the upload is gone."""
    files = [("a.jpg", pictures.jpeg(1)), ("sub/b.jpg", pictures.jpeg(2)), ("c.jpg", pictures.small_copy(1))]
    files += [("broken.jpg", pictures.jpeg(3)[:900]), ("notes.txt", b"hello")]
    answer = api.batch(uploads.form(*files, person_id="P", metadata='{"x": 1}'))
    job_id = answer.json()["job_id"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"/jobs/{job_id}")
    assert document.departures(answer.json(), "POST", "/images/batch", 202) == []
    assert (api.job(job_id)["state"], api.job(job_id)["total"], api.staged()) == ("queued", 5, [job_id])
    assert api.run(job_id) == "succeeded"
    assert outcomes(api.items(job_id)) == [
        ("a.jpg", "stored", "unique"),
        ("sub/b.jpg", "stored", "unique"),
        ("c.jpg", "stored", "duplicate"),
        ("broken.jpg", "failed", None),
        ("notes.txt", "not-a-picture", None),
    ]
    made = {image.external_id: (image.person_id, image.metadata) for image in api.images(person_id="P")}
    assert made == dict.fromkeys(("a.jpg", "sub/b.jpg", "c.jpg"), ("P", {"x": 1}))
    job = api.job(job_id)
    assert document.departures(job, "GET", "/jobs/{job_id}", 200) == []
    assert (job["state"], job["done"], job["total"]) == ("succeeded", 5, 5)
    assert job["counts"] == {"stored": 3, "failed": 1, "not-a-picture": 1}
    assert api.staged() == []


@pytest.mark.parametrize(
    ("pack", "kind"),
    [
        ("zip", "application/zip"),
        ("w", "application/x-tar"),
        ("w:gz", "application/gzip"),
        ("w:xz", "application/octet-stream"),
    ],
)
def test_an_archive_is_sent_as_it_is(api, uploads, pictures, pack, kind):
    """Its entries are the items, whatever it is packed with."""
    files = [("x/one.jpg", pictures.jpeg(10)), ("__MACOSX/._one.jpg", b"noise"), ("two.jpg", pictures.jpeg(11))]
    body = uploads.zip_of(*files) if pack == "zip" else uploads.tar_of(*files, mode=pack)
    job_id = api.queued(body, kind)
    assert api.run(job_id) == "succeeded"
    assert [name for name, *_ in outcomes(api.items(job_id))] == ["x/one.jpg", "two.jpg"]
    assert (api.job(job_id)["total"], api.job(job_id)["done"]) == (2, 2)


def test_an_archive_as_the_only_file_of_a_form_is_taken_apart(api, uploads, pictures):
    """With the form's fields for each picture in it."""
    archive = uploads.zip_of(("in.jpg", pictures.jpeg(12)))
    job_id = api.queued(uploads.form(("all.zip", archive), field="file", person_id="Q"))
    assert api.run(job_id) == "succeeded"
    assert [image.external_id for image in api.images(person_id="Q")] == ["in.jpg"]


@pytest.mark.parametrize(("fields", "quick"), [({"quick": "true"}, True), ({"quick": "false"}, False), ({}, False)])
def test_a_batch_may_be_quick_and_its_verdicts_say_so(api, uploads, pictures, document, fields, quick):
    """Whoever reads one later must know how closely it was looked."""
    body = uploads.form(
        ("a.jpg", pictures.jpeg(41)), ("b.jpg", pictures.small_copy(41)), person_id=f"q{fields}", **fields
    )
    job_id = api.queued(body)
    assert api.run(job_id) == "succeeded"
    assert [outcome for *_, outcome in outcomes(api.items(job_id))][-1] == "duplicate"
    for image in api.images(person_id=f"q{fields}"):
        told = api.client.get(f"/images/{image.image_id}").json()
        assert told["verdict_block"]["quick"] is quick
        assert document.departures(told, "GET", "/images/{image_id}", 200) == []


def test_an_archive_cut_short_gives_what_comes_before_the_cut(api, uploads, pictures):
    """The job succeeds, and its last item says why there are no more."""
    body = uploads.tar_of(("first.jpg", pictures.jpeg(13)), ("second.jpg", pictures.jpeg(14)))
    job_id = api.queued(body[: len(body) // 2], "application/x-tar")
    assert api.run(job_id) == "succeeded"
    first, cut = api.items(job_id)[0], api.items(job_id)[-1]
    assert (first["name"], first["outcome"]) == ("first.jpg", "stored")
    assert (cut["state"], cut["problem"]["type"]) == ("failed", "/problems/truncated-archive")


def test_paths_below_an_import_root_are_taken_in(api, root, pictures):
    """The files stay where they are; hidden ones and links are passed over."""
    (root / "deep").mkdir()
    (root / "deep" / "one.jpg").write_bytes(pictures.jpeg(15))
    (root / "two.jpg").write_bytes(pictures.jpeg(16))
    (root / ".hidden.jpg").write_bytes(pictures.jpeg(17))
    (root / "link.jpg").symlink_to(root / "two.jpg")
    job_id = api.queued(json.dumps({"paths": ["deep", str(root)], "person_id": "R"}), "application/json")
    assert api.run(job_id) == "succeeded"
    assert sorted(image.external_id for image in api.images(person_id="R")) == ["deep/one.jpg", "two.jpg"]
    assert (root / "two.jpg").read_bytes() == pictures.jpeg(16)
    assert (api.job(job_id)["total"], api.staged()) == (2, [])


@pytest.mark.parametrize("quick", [True, False])
def test_paths_may_be_taken_in_quickly(api, root, pictures, quick):
    """As a JSON member."""
    (root / "one.jpg").write_bytes(pictures.jpeg(42))
    asked = {"paths": ["one.jpg"], "person_id": f"S{quick}", "quick": quick}
    assert api.run(api.queued(json.dumps(asked), "application/json")) == "succeeded"
    assert [image.verdict_block["quick"] for image in api.images(person_id=f"S{quick}")] == [quick]


def test_a_file_that_went_after_it_was_listed_is_that_items_outcome(api, root, pictures):
    """An item keeps its number whatever happens to the folder; one bad file does not poison the rest."""
    place = root / "goes"
    place.mkdir()
    for number in range(3):
        (place / f"{number}.jpg").write_bytes(pictures.jpeg(20 + number))
    job_id = api.queued(json.dumps({"paths": ["goes"]}), "application/json")
    reading = type(api.parts.staging).open

    def open_then_lose(area, name):
        (place / "1.jpg").unlink(missing_ok=True)
        return reading(area, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(api.parts.staging), "open", open_then_lose)
        with api.parts.staging.writing(job_id) as file:
            file.writelines(json.dumps([f"{n}.jpg", f"{place}/{n}.jpg"]).encode() + b"\n" for n in range(3))
        assert api.run(job_id) == "succeeded"
    told = [(item["ordinal"], item["name"], item["outcome"]) for item in api.items(job_id)]
    assert told == [(0, "0.jpg", "stored"), (1, "1.jpg", "failed"), (2, "2.jpg", "stored")]
    assert api.items(job_id)[1]["problem"]["type"] == "/problems/path-not-found"


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/etc/passwd", "path-not-allowed"),
        ("../data", "path-not-allowed"),
        ("nul\0byte", "path-not-allowed"),
        ("", "path-not-allowed"),
        ("..%2f..%2fetc", "path-not-found"),
        ("\\\\server\\share", "path-not-found"),
        ("no/such/folder", "path-not-found"),
    ],
)
def test_paths_anywhere_else_are_refused_at_once(refused, path, slug):
    """Also in disguise; the answer names no folder of ours."""
    refused(422, slug, json.dumps({"paths": ["two.jpg" if path is None else path]}), "application/json")


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"urls": ["http://example.org/a.jpg"]}, 403, "url-not-allowed"),
        ({"url": "http://example.org/a.jpg"}, 403, "url-not-allowed"),
        ({"paths": []}, 422, "invalid-request"),
        ({"paths": "two.jpg"}, 422, "invalid-request"),
        ({"paths": [1]}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
        (["two.jpg"], 422, "invalid-request"),
        ({"paths": ["."], "on_duplicate": "shred"}, 422, "invalid-request"),
        ({"paths": ["."], "metadata": "no json"}, 422, "invalid-request"),
    ],
)
def test_json_that_asks_for_nothing_possible_is_refused(refused, body, status, slug):
    """Named for what it is."""
    refused(status, slug, json.dumps(body), "application/json")


def test_without_import_roots_no_path_is_read(empty, assert_problem):
    """They are off until the operator names some."""
    assert_problem(empty.post("/images/batch", json={"paths": ["/etc"]}), 422, "path-not-allowed")


def test_what_is_no_archive_is_refused_at_once(refused):
    """By its bytes, not by its content type."""
    refused(415, "unsupported-archive", b"neither ZIP nor TAR" * 99, "application/zip")
    refused(415, "unsupported-archive", b"", "application/zip")
    refused(415, "unsupported-media-type", b"x", "text/plain")
    refused(422, "truncated-archive", b"PK\3\4" + bytes(999), "application/zip")


def test_an_upload_over_the_limit_is_cut(refused, uploads):
    """Counted while it arrives, as an archive and as a form."""
    refused(413, "body-too-large", bytes(3 * MIB), "application/x-tar")
    refused(413, "body-too-large", uploads.form(("a.jpg", bytes(3 * MIB))))


@pytest.mark.parametrize(
    "fields",
    [
        {"on_duplicate": "shred"},
        {"metadata": "{"},
        {"person_id": "x" * 600},
        {"operating_point": "sure"},
        {"quick": "perhaps"},
    ],
)
def test_a_field_that_is_not_valid_takes_the_upload_with_it(refused, uploads, pictures, fields):
    """Nothing of the request is kept."""
    told = refused(422, "invalid-request", uploads.form(("a.jpg", pictures.jpeg(1)), **fields))
    assert told["errors"][0]["where"] == f"body.{next(iter(fields))}"


def test_a_client_that_goes_away_leaves_nothing(api, uploads, pictures):
    """Wherever its upload is cut: no job, no file, no open spool."""
    body = uploads.form(("a.jpg", pictures.jpeg(1)), ("b.jpg", pictures.jpeg(2)), person_id="p")
    before = api.jobs(), api.staged(), api.spooled()
    for sent in range(0, len(body), len(body) // 20):
        assert api.send_and_leave("/images/batch", body, sent) == 400
    assert (api.jobs(), api.staged(), api.spooled()) == before


def test_a_disk_that_is_full_takes_no_half_upload(api, uploads, pictures, assert_problem, monkeypatch):
    """The client is told, and what was written is gone."""
    before = api.jobs(), api.staged()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("index_store.blobs.staging.os.fsync", full)
    assert_problem(api.batch(uploads.form(("a.jpg", pictures.jpeg(1)))), 507, "storage-full")
    assert (api.jobs(), api.staged()) == before


@pytest.mark.parametrize("declared", [True, False])
def test_an_upload_never_eats_the_disks_reserve(api, uploads, pictures, assert_problem, monkeypatch, declared):
    """Neither at once, when its length is told, nor while it arrives, when it is not."""
    monkeypatch.setattr(staging, "PIECE", 1000)
    body = uploads.form(("a.jpg", pictures.jpeg(1)))
    before, asked = (api.jobs(), api.staged()), []

    def nearly_full(_room, more=0):
        asked.append(more)
        if more >= 1000:
            raise StoreFullError

    monkeypatch.setattr(Room, "require", nearly_full)
    assert_problem(api.batch(body if declared else iter([body])), 507, "storage-full")
    assert (api.jobs(), api.staged()) == before
    assert asked[-1] == len(body)
    assert asked[:-1] == ([0] if declared else [0, 0])


def test_the_upload_of_a_job_that_was_made_is_never_dropped(api, uploads, pictures, monkeypatch):
    """Though its request fails after the commit: the job is there, and can be run."""
    monkeypatch.setattr(staging, "reached", armed("job.created=raise"))
    assert api.batch(uploads.form(("a.jpg", pictures.jpeg(30)))).status_code == 500
    job_id = api.jobs()[0]
    assert job_id in api.staged()
    assert api.run(job_id) == "succeeded"


def test_a_single_picture_may_be_a_job_too(api, uploads, pictures, document):
    """`Prefer: respond-async` answers with a job of one item, which keeps the fields."""
    body = uploads.form(("x.jpg", pictures.jpeg(31)), field="file", external_id="mine", metadata='{"k": [1]}')
    answer = api.send("/images", body, Prefer="wait=5, respond-async")
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert document.departures(answer.json(), "POST", "/images", 202) == []
    job_id = answer.json()["job_id"]
    assert (api.job(job_id)["total"], api.images(external_id="mine")) == (1, ())
    assert api.run(job_id) == "succeeded"
    [image] = api.images(external_id="mine")
    [item] = api.items(job_id)
    assert (image.metadata, item["image_id"], item["verdict"]) == ({"k": [1]}, image.image_id, "unique")
    assert api.staged() == []


def test_nothing_of_an_upload_lies_in_the_temporary_folder(api, uploads, pictures, tmp_path, monkeypatch):
    """It goes to the staging area alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    api.run(api.queued(uploads.form(("a.jpg", pictures.jpeg(32)))))
    assert list(tmp_path.iterdir()) == []
    assert api.spooled() == []
