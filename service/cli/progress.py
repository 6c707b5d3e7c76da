"""A bar for work that goes through several steps, on a terminal only; its rate starts anew with each step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.workflows.findings import Progress


@contextmanager
def steps() -> Iterator[Progress]:
    """What a workflow tells its progress to: the step, how many are done, and of how many if that is known."""
    with tqdm(disable=None, unit="") as bar:
        step, told = "", 0

        def show(what: str, done: int, total: int | None) -> None:
            nonlocal step, told
            if what != step or done < told:
                bar.reset(total)
                bar.set_description(what, refresh=False)
                step, told = what, 0
            bar.update(done - told)
            told = done

        yield show
