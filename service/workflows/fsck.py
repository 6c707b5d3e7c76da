"""`fsck`: is everything there that was acknowledged, and is it what it was?

It believes nothing: rows are read as bytes and compared with their check sums, the log is folded anew, originals are
looked for and hashed. It may run beside a working service. Then what it reads of one table is a moment older than what
it reads of the next, so whatever it finds it looks at a second time, and only what is found twice is told.

A repair touches derived data only (vectors, thumbnails, answers past their time) and originals that no row names. It
never removes a picture, and it works alone: `wiring` sees to that.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from index_store.ids import moment
from service.workflows.findings import KINDS, Finding, Report, silent
from service.workflows.fsck_catalogue import check_catalogue
from service.workflows.fsck_files import check_files

if TYPE_CHECKING:
    from service.workflows.findings import Progress, Store

NOT_SEEN = timedelta(seconds=60)
"""After so long without a sign of life a job's owner is taken for gone."""
ANSWERS_KEPT = timedelta(hours=25)
"""A day, and an hour for whoever sweeps them."""
_LOOSE_TOLD = 10_000
_JOBS_AT_ONCE = 100
_ORDER = list(KINDS)


def fsck(store: Store, *, deep: bool = False, orphans: bool = True, progress: Progress = silent) -> Report:
    """Look at everything; with `deep` at every byte, and without `orphans` at no file that no row names.

    Raises StoreError.
    """
    report = _look(store, progress, deep=deep, orphans=orphans)
    if report.is_clean:
        return report
    # A second look at what is quick to look at twice; originals do not change, so only rows that were on their way
    # can have misled the first one about them.
    again = set(_look(store, progress, deep=False, orphans=orphans).findings)
    slow = {"rotten-blob", "bad-thumbnail"}
    lasting = (one for one in report.findings if one in again or (deep and one.kind in slow))
    return Report(tuple(lasting), report.checked)


def _look(store: Store, progress: Progress, *, deep: bool, orphans: bool) -> Report:
    rows, found = check_catalogue(store, progress)
    found += check_files(store, rows, progress, deep=deep, orphans=orphans)
    found += _jobs(store)
    distinct = sorted(dict.fromkeys(found), key=lambda one: (_ORDER.index(one.kind), one.name))
    return Report(tuple(distinct), dict(rows.checked))


def _jobs(store: Store) -> list[Finding]:
    now = datetime.now(UTC)
    found = [
        Finding("loose-outcome", f"{job_id}/{ordinal}", f"there is no job {job_id}")
        for job_id, ordinal in store.inspection.loose_outcomes(_LOOSE_TOLD)
    ]
    cursor = None
    while True:
        page = store.jobs.list(_JOBS_AT_ONCE, cursor, state="running")
        found += [
            Finding("abandoned-job", job.job_id, f"{job.owner or 'its owner'} was last seen {job.seen or 'never'}")
            for job in page.items
            if (job.seen or "") < moment(now - NOT_SEEN)
        ]
        cursor = page.next_cursor
        if cursor is None:
            break
    old = store.inspection.old_answers(moment(now - ANSWERS_KEPT))
    if old:
        found.append(Finding("old-answer", "idempotency", f"{old} of them"))
    return found
