"""One error family. The docstring of a class is its default message; `reason` says what happened this time.

The edge decides what an error means there: `api/problems.py` maps the family to RFC 9457 problems, `cli/main.py` to
exit codes. Raise these, never an HTTP status.
"""


class KeeponeError(Exception):
    """Something went wrong."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or (type(self).__doc__ or "").strip())


class BadPictureError(KeeponeError):
    """The file cannot be used as a picture."""


class UnsupportedPictureError(BadPictureError):
    """The file is none of JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC."""


class TruncatedPictureError(BadPictureError):
    """The file ends before the picture does."""


class BrokenPictureError(BadPictureError):
    """The file is damaged, and its decoder refused it."""


class PictureTooLargeError(BadPictureError):
    """The picture is over a limit on bytes, pixels, sides or metadata."""


class DecoderFailedError(BadPictureError):
    """The decoder crashed, ran too long or wanted too much memory on this file."""


class BadArchiveError(KeeponeError):
    """The file cannot be used as an archive."""


class UnsupportedArchiveError(BadArchiveError):
    """The file is neither a ZIP nor a TAR (plain, gz, bz2 or xz)."""


class TruncatedArchiveError(BadArchiveError):
    """The archive ends before its end mark."""


class BrokenArchiveError(BadArchiveError):
    """The archive, or an entry of it, is damaged."""


class ArchiveTooLargeError(BadArchiveError):
    """The archive is over a limit on bytes, entries or on how much it unpacks to."""


class UnusableEntryError(BadArchiveError):
    """The entry of the archive is nothing that could be a picture file."""


class PathNotAllowedError(KeeponeError):
    """The path does not lie below an import root."""


class PathNotFoundError(KeeponeError):
    """There is nothing at this path that can be read."""


class RootGoneError(PathNotFoundError):
    """The folder that the files lie in is not there any more, or another one has its place; nothing more was read."""


class JobStuckError(KeeponeError):
    """The job was begun again and again, and each time its worker ended before one more item was done."""


class OverloadedError(KeeponeError):
    """The service is busy; try again shortly."""


class DuplicateRefusedError(KeeponeError):
    """The picture is a duplicate, and the request asked to refuse those."""


class WeightsError(KeeponeError):
    """A model's file is not the one that it should be."""


class SettingsError(KeeponeError):
    """The settings contradict themselves."""


class ConfirmationNeededError(KeeponeError):
    """A plan touches more pictures than go without asking."""

    def __init__(self, reason: str, token: str) -> None:
        super().__init__(reason)
        self.token = token


class WrongRemovalError(KeeponeError):
    """The removal is not of a kind, or not in a state, that allows this here."""


class BadDescriptorError(KeeponeError):
    """A descriptor model gave no usable descriptor."""


class NoThresholdError(KeeponeError):
    """The model names no threshold of its own by that metric."""


class UnknownSpaceError(KeeponeError):
    """There is no descriptor space of that name here."""


class ThresholdRangeError(KeeponeError):
    """No two vectors lie so far apart by this metric."""


class NoFaceSpaceError(KeeponeError):
    """No descriptor space of faces is set: name one in KEEPONE_DESCRIPTORS, e.g. builtin,deepface:Dlib."""


class UnknownFaceSpaceError(KeeponeError):
    """There is no descriptor space of faces of that name here."""


class NoFaceError(KeeponeError):
    """No face was found in the picture."""


class AlreadyThereError(KeeponeError):
    """The person has this very file under this name already."""
