"""A batch's form: whatever is uploaded becomes one archive that a job can read, or is refused in words."""

import io
import random
import tarfile
import zipfile

import pytest

from service.api.fields import MOST_FIELD_BYTES
from service.api.forms import LONGEST_HEADER, MOST_FIELDS, MOST_HEADERS, BatchForm
from service.api.problems import ProblemError
from service.inputs.archives import open_archive

BOUNDARY = b"boundary"


def part(data, disposition=b'form-data; name="files"; filename="a.jpg"', more=b""):
    return b"--boundary\r\nContent-Disposition: " + disposition + b"\r\n" + more + b"\r\n" + data + b"\r\n"


def file_part(data, name):
    return part(data, b'form-data; name="files"; filename="' + name + b'"')


def text_part(name, text):
    return part(text, b'form-data; name="' + name + b'"')


def body(*parts):
    return b"".join(parts) + b"--boundary--\r\n"


def zip_of(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


class Read:
    """What became of a body, fed in pieces of this size."""

    def __init__(self, sent, piece=1 << 20, most_files=100, boundary=BOUNDARY):
        self.file = io.BytesIO()
        self.form = BatchForm(boundary, self.file, most_files=most_files)
        for at in range(0, len(sent), piece):
            self.form.feed(sent[at : at + piece])
        self.digest = self.form.close()

    def items(self):
        with open_archive(self.file) as archive:
            return [(item.name, data, item.problem) for item, data in archive.items()]


def refusal(sent, **given):
    """The slug that a body is refused with."""
    with pytest.raises(ProblemError) as refused:
        Read(sent, **given)
    return refused.value.kind.slug


@pytest.mark.parametrize("piece", [1, 13, 512, 1 << 20])
def test_files_become_the_entries_of_one_archive(piece):
    """Byte for byte and in order, in whatever pieces they arrive; the fields beside them are kept."""
    files = [("a.jpg", b"x" * 511), ("b.jpg", bytes(range(256)) * 4), ("c", b""), ("d/e.png", b"\r\n--boundar" * 99)]
    parts = [file_part(data, name.encode()) for name, data in files]
    read = Read(body(parts[0], text_part(b"person_id", "Zoë".encode()), *parts[1:]), piece)
    assert read.items() == [(name, data, None) for name, data in files]
    assert (read.form.files, read.form.is_archive, read.form.fields) == (4, False, {"person_id": "Zoë"})
    assert read.digest == Read(body(parts[0], text_part(b"person_id", "Zoë".encode()), *parts[1:])).digest


def test_the_archive_is_a_tar_that_any_reader_reads():
    """Also under long names and beside others."""
    read = Read(body(file_part(b"one", b"n" * 300), file_part(b"two", "ü.jpg".encode())))
    with tarfile.open(fileobj=io.BytesIO(read.file.getvalue())) as archive:
        assert [(entry.name, entry.size) for entry in archive] == [("n" * 300, 3), ("ü.jpg", 3)]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"plain.jpg", "plain.jpg"),
        (b"nul\0byte.jpg", "nul\\x00byte.jpg"),
        ("\u202egpj.exe".encode(), "\u202egpj.exe"),
        (b"l" * 300 + b".jpg", "l" * 300 + ".jpg"),
        ("漢".encode() * 100, "漢" * 100),
        (b"../../etc/passwd", "../../etc/passwd"),
        (b"/etc/passwd", "/etc/passwd"),
        (b'quo\\"te.jpg', 'quo"te.jpg'),
        (b"%22quote%22.jpg", "%22quote%22.jpg"),
        (b"%00..%2f..%2fx", "%00..%2f..%2fx"),
        (b"", "unnamed"),
        (b"///", "unnamed"),
        (b"folder/", "folder"),
        (b"\xff\xfe.jpg", "\\xff\\xfe.jpg"),
        (b"a=b\tc.jpg", "a=b\tc.jpg"),
        (b"GNU.sparse.name=x", "GNU.sparse.name=x"),
        (b"semi;colon.jpg", "semi;colon.jpg"),
    ],
)
def test_a_name_is_text_and_no_more(sent, shown):
    """Whatever a client calls a file, it is one item of the job, with all its bytes, under a name people can read."""
    read = Read(body(file_part(b"content", sent), file_part(b"next", b"next")))
    assert read.items() == [(shown, b"content", None), ("next", b"next", None)]


@pytest.mark.parametrize("piece", [7, 1 << 20])
@pytest.mark.parametrize("content", [b"", b"long enough to have more than one block " * 99], ids=["tiny", "longer"])
def test_one_archive_is_kept_as_it_is(piece, content):
    """Nothing is unpacked while it arrives."""
    archive = zip_of(a=content)
    read = Read(body(text_part(b"on_duplicate", b"reject"), file_part(archive, b"all.zip")), piece)
    assert (read.form.is_archive, read.file.getvalue()) == (True, archive)
    assert read.form.fields == {"on_duplicate": "reject"}


@pytest.mark.parametrize("files", [(b"picture", zip_of(a=b"a")), (zip_of(a=b"a"), b"picture"), (zip_of(a=b"a"),) * 2])
def test_an_archive_among_files_is_refused(files):
    """It would be neither a picture nor taken apart."""
    assert refusal(body(*(file_part(data, b"name") for data in files))) == "unsupported-archive"


def test_more_files_than_an_archive_may_hold_are_refused():
    """The same limit, whichever way they come."""
    assert Read(body(*[file_part(b"x", b"x")] * 3), most_files=3).form.files == 3
    assert refusal(body(*[file_part(b"x", b"x")] * 4), most_files=3) == "archive-too-large"


MANY_HEADERS = b"".join(b"X-%d: y\r\n" % number for number in range(1001))


@pytest.mark.parametrize(
    "sent",
    [
        body(part(b"x", b"form-data")),
        body(part(b"x", b'form-data; filename="a.jpg"')),
        body(part(b"x", b"\xff;;;=;")),
        b"--boundary\r\n\r\nno headers\r\n--boundary--\r\n",
        b"--boundary\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--boundary--\r\n",
        body(part(b"x", more=MANY_HEADERS)),
        body(part(b"x", more=b"X-A: y\r\n" * MOST_HEADERS)),
        body(part(b"x", more=b"X-Giant: " + b"y" * LONGEST_HEADER + b"\r\n")),
        body(part(b"x", more=b"no colon\r\n")),
        body(text_part(b"metadata", b"x" * (MOST_FIELD_BYTES + 1)), file_part(b"x", b"x")),
        body(*(text_part(b"field-%d" % number, b"x") for number in range(MOST_FIELDS + 1)), file_part(b"x", b"x")),
        body(file_part(b"x", b"x")).replace(b"boundary", b"another"),
        b"",
        b"not multipart at all",
    ],
    ids=[
        "no name",
        "filename alone",
        "nonsense",
        "no headers",
        "no disposition",
        "1001 headers",
        "a header too many",
        "giant header",
        "no colon",
        "long text",
        "many fields",
        "other boundary",
        "nothing",
        "no multipart",
    ],
)
@pytest.mark.parametrize("piece", [101, 1 << 20])
def test_a_body_that_makes_no_sense_is_refused(sent, piece):
    """In words, and never with an error of ours."""
    assert refusal(sent, piece=piece) == "bad-request"


@pytest.mark.parametrize("boundary", [b"", b"b" * 257, b"b" * 5000])
def test_a_boundary_that_none_may_be_is_refused(boundary):
    """RFC 2046 allows 70 characters; a few more do no harm."""
    sent = body(file_part(b"x", b"x")).replace(b"boundary", boundary)
    assert refusal(sent, boundary=boundary) == "bad-request"


@pytest.mark.parametrize(
    "sent", [body(text_part(b"files", b"x")), body(part(b"x", b'form-data; name="other"; filename="x"'))]
)
def test_a_form_without_a_file_is_refused(sent):
    """A text is no file, and a file under another name is not asked for."""
    assert refusal(sent) == "invalid-request"


def test_a_body_cut_anywhere_is_refused():
    """No half of an upload is ever taken for a whole one."""
    sent = body(text_part(b"person_id", b"p"), file_part(b"x" * 700, b"a.jpg"), file_part(b"y", b"b.jpg"))
    whole = len(sent) - len(b"\r\n")
    assert {refusal(sent[:at]) for at in range(whole)} <= {"bad-request"}
    assert Read(sent[:whole]).form.files == 2


def test_nonsense_ends_in_a_refusal_and_nothing_else():
    """Bodies with random bytes overwritten are read or refused; no other error comes out."""
    chance = random.Random(22)  # noqa: S311 - so that a failure can be had again
    sent = body(text_part(b"person_id", b"p"), file_part(b"x" * 99, b"a.jpg"), file_part(b"y", b"b.jpg"))
    refused = 0
    for _ in range(1500):
        hurt = bytearray(sent)
        for _ in range(chance.randint(1, 4)):
            hurt[chance.randrange(len(hurt))] = chance.randrange(256)
        try:
            Read(bytes(hurt), chance.choice((3, 64, 1 << 20))).items()
        except ProblemError:
            refused += 1
    assert 0 < refused < 1500


def test_the_digest_tells_every_difference():
    """Of name, bytes, field and order; it decides whether a repeated request is the same."""
    bodies = [
        body(file_part(b"x", b"a"), file_part(b"y", b"b")),
        body(file_part(b"y", b"b"), file_part(b"x", b"a")),
        body(file_part(b"x", b"a"), file_part(b"y", b"c")),
        body(file_part(b"x", b"a"), file_part(b"z", b"b")),
        body(file_part(b"xy", b"ab")),
        body(file_part(b"x", b"a"), file_part(b"y", b"b"), text_part(b"person_id", b"p")),
        body(file_part(b"x", b"a"), file_part(b"y", b"b"), text_part(b"person_id", b"q")),
    ]
    assert len({Read(sent).digest for sent in bodies}) == len(bodies)
