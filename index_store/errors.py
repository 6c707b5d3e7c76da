"""What can go wrong while remembering: one small family. The docstring of a class is its default message.

The library knows nothing of HTTP or exit codes; whoever calls it decides what an error means at its own edge.
"""


class StoreError(Exception):
    """The store could not do what was asked."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason or (type(self).__doc__ or "").strip())


class StoreUnavailableError(StoreError):
    """The store cannot be read or written at the moment."""


class CatalogueBusyError(StoreUnavailableError):
    """Another writer held the catalogue for too long; nothing was written, and the same call may be made again."""


class CatalogueConflictError(CatalogueBusyError):
    """The database gave up this transaction for another one's sake; nothing was written, and it may be made again."""


class StoreFullError(StoreError):
    """There is no room left to write; what is already stored can still be read."""


class StoreInUseError(StoreUnavailableError):
    """Another process has this data folder open."""


class HalfRestoredError(StoreUnavailableError):
    """A restore into this data folder was cut short; start it again, or empty the folder."""


class UnsupportedStoreError(StoreError):
    """This version cannot open that store safely."""


class NotFoundError(StoreError):
    """There is no such row."""


class BadCursorError(StoreError):
    """The cursor did not come from an earlier page."""


class BadEntryError(StoreError):
    """The entry contradicts itself or the catalogue; nothing was written."""


class KeeperGoneError(BadEntryError):
    """The image was to go for another one's sake, and one of the two is not there any more; nothing was removed."""


class KeyReusedError(BadEntryError):
    """This idempotency key was used before, with another payload."""


class SameJobError(StoreError):
    """A job that was asked for the same is not finished yet."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} was asked for the same and is not finished yet")
        self.job_id = job_id


class BadTransitionError(StoreError):
    """A job cannot go from the state it is in to that one."""


class BadBlobKeyError(StoreError):
    """A blob is named by the 64 lower-case hex digits of its SHA-256 and by nothing else."""


class MissingBlobError(StoreError):
    """The catalogue knows this blob, and its file is not there."""


class CorruptBlobError(StoreError):
    """The bytes are not those their SHA-256 promises."""


class BadSnapshotError(StoreError):
    """A snapshot of an index is not what its manifest promises, or not of this space; it was not read."""


class IndexBuildingError(StoreUnavailableError):
    """The index is still being read or built; a search now would miss pictures."""


class BadBackupError(StoreError):
    """It is no backup, or one that cannot be trusted."""


class StoreNotEmptyError(StoreError):
    """There is something there already."""
