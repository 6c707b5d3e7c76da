"""What every keeper of blobs must do."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, and they assert

import hashlib
import io

from index_store.blobs.protocol import Blobs
from index_store.errors import BadBlobKeyError, CorruptBlobError, MissingBlobError
from index_store.testing.samples import a_hash, refused

_DATA = b"a picture" * 1000
_NAME = hashlib.sha256(_DATA).hexdigest()
BAD_KEYS = ("", "abc", "../" + "a" * 61, _NAME.upper(), _NAME + "\n", _NAME[:-1] + "/", "\0" * 64, "a" * 65, "ａ" * 64)  # noqa: RUF001 - a full-width a, on purpose


class BlobsContract:
    """Subclass it, and say how to make an empty store."""

    def make_blobs(self) -> Blobs:
        raise NotImplementedError

    def test_an_original_comes_back_as_it_was(self) -> None:
        blobs = self.make_blobs()
        assert blobs.put(_NAME, _DATA) is True
        assert blobs.get(_NAME) == blobs.get(_NAME, verify=True) == _DATA
        assert blobs.has(_NAME)
        assert blobs.size(_NAME) == len(_DATA)

    def test_an_original_can_be_read_piece_by_piece(self) -> None:
        blobs = self.make_blobs()
        blobs.put(_NAME, _DATA)
        with blobs.open(_NAME) as file:
            assert file.seek(0, io.SEEK_END) == len(_DATA)
            file.seek(0)
            assert (file.read(1000), file.read(), file.read()) == (_DATA[:1000], _DATA[1000:], b"")
        assert file.closed

    def test_an_original_is_kept_once(self) -> None:
        blobs = self.make_blobs()
        assert [blobs.put(_NAME, _DATA) for _ in range(3)] == [True, False, False]

    def test_bytes_that_are_not_those_of_the_name_are_refused(self) -> None:
        blobs = self.make_blobs()
        with refused(CorruptBlobError):
            blobs.put(_NAME, _DATA + b"!")
        assert not blobs.has(_NAME)

    def test_empty_bytes_are_bytes_too(self) -> None:
        blobs = self.make_blobs()
        blobs.put(hashlib.sha256(b"").hexdigest(), b"")
        assert blobs.get(hashlib.sha256(b"").hexdigest()) == b""

    def test_a_missing_original_is_an_error(self) -> None:
        blobs = self.make_blobs()
        assert not blobs.has(a_hash("nobody"))
        for ask in (blobs.get, blobs.open, blobs.size):
            with refused(MissingBlobError):
                ask(a_hash("nobody"))

    def test_only_a_sha256_is_a_name(self) -> None:
        blobs = self.make_blobs()
        for key in BAD_KEYS:
            for ask in (blobs.get, blobs.open, blobs.has, blobs.size):
                with refused(BadBlobKeyError):
                    ask(key)
            with refused(BadBlobKeyError):
                blobs.put(key, _DATA)
            with refused(BadBlobKeyError):
                blobs.get_derived("thumbnail", key, "webp")
        for kind, extension in [("..", "webp"), ("thumbnail", "../x"), ("Thumbnail", "webp"), ("", "webp"), ("a", "")]:
            with refused(BadBlobKeyError):
                blobs.put_derived(kind, _NAME, extension, b"")

    def test_a_derived_file_may_be_absent_and_may_be_replaced(self) -> None:
        blobs = self.make_blobs()
        assert blobs.get_derived("thumbnail", _NAME, "webp") is None
        for data in (b"first", b"second"):
            blobs.put_derived("thumbnail", _NAME, "webp", data)
            assert blobs.get_derived("thumbnail", _NAME, "webp") == data
        assert blobs.get_derived("thumbnail", _NAME, "jpg") is None
        assert not blobs.has(_NAME)

    def test_originals_are_listed_with_their_size_and_derived_files_are_not(self) -> None:
        blobs = self.make_blobs()
        blobs.put(_NAME, _DATA)
        blobs.put_derived("thumbnail", _NAME, "webp", b"derived")
        assert [(one.sha256, one.bytes) for one in blobs.originals()] == [(_NAME, len(_DATA))]

    def test_what_is_discarded_is_gone_and_may_come_again(self) -> None:
        blobs = self.make_blobs()
        blobs.put(_NAME, _DATA)
        blobs.discard(_NAME)
        blobs.discard(_NAME)
        assert not blobs.has(_NAME)
        assert blobs.put(_NAME, _DATA)

    def test_what_was_put_lately_is_not_let_go(self) -> None:
        blobs = self.make_blobs()
        blobs.put(_NAME, _DATA)
        assert blobs.let_go(_NAME, unused_seconds=3600) is False
        assert blobs.get(_NAME, verify=True) == _DATA

    def test_what_is_let_go_takes_what_was_derived_along_and_can_be_put_again(self) -> None:
        blobs = self.make_blobs()
        other = hashlib.sha256(b"another").hexdigest()
        for name, data in ((_NAME, _DATA), (other, b"another")):
            blobs.put(name, data)
            blobs.put_derived("thumbnail", name, "jpg", b"small")
        assert [blobs.let_go(_NAME, unused_seconds=0) for _ in range(2)] == [True, True]
        assert not blobs.has(_NAME)
        assert blobs.get_derived("thumbnail", _NAME, "jpg") is None
        assert (blobs.get(other), blobs.get_derived("thumbnail", other, "jpg")) == (b"another", b"small")
        assert blobs.put(_NAME, _DATA) is True
        assert blobs.get(_NAME, verify=True) == _DATA
