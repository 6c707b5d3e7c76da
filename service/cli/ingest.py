"""`keepone ingest PATH…`: pictures and folders into the store, with a progress bar."""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from index_store.errors import StoreError
from service import wiring
from service.cli import options
from service.cli.files import read_picture
from service.domain.errors import KeeponeError, UnsupportedPictureError
from service.domain.values import OperatingPoint
from service.settings import load_settings
from service.workflows.arrival import OnDuplicate, RefusedDuplicateError, Wish
from service.workflows.ingest import Ingested, ingest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.workflows.parts import Parts

FAILED = 3


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--on-duplicate",
    type=click.Choice([choice.value for choice in OnDuplicate]),
    default="store",
    show_default=True,
    help="Store all the same, keep a reference, or leave out.",
)
@options.operating_point
@options.data
def command(paths: tuple[Path, ...], on_duplicate: str, operating_point: str | None, data: Path | None) -> None:
    """Take pictures in: files, and folders with all below them. Each keeps its path as its external id."""
    settings = load_settings(data=data)
    point = OperatingPoint(operating_point) if operating_point else settings.operating_point
    files = [file for path in paths for file in walk(path)]
    parts = wiring.build(settings)
    counts: Counter[str] = Counter()
    take = partial(_take_file, parts=parts)
    try:
        with (
            ThreadPoolExecutor(settings.decode_children) as threads,
            tqdm(total=len(files), unit=" pictures", disable=None) as bar,
        ):
            running: dict[Future[Ingested], str] = {}
            waiting = iter(files)
            for file, external_id in waiting:
                wish = Wish(OnDuplicate(on_duplicate), external_id=external_id, point=point, top_k=1)
                running[threads.submit(take, file, wish)] = external_id
                if len(running) >= 2 * settings.decode_children:
                    _collect(running, counts, bar)
            while running:
                _collect(running, counts, bar)
    finally:
        parts.close()
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "no files")
    sys.exit(FAILED if counts["failed"] else 0)


def walk(path: Path) -> Iterator[tuple[Path, str]]:
    """The files at or below a path, in order, each with the name it is known by; links are not followed."""
    if path.is_file():
        yield path, path.name
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file, file.relative_to(path).as_posix()


def _take_file(file: Path, wish: Wish, *, parts: Parts) -> Ingested:
    return ingest(read_picture(file, parts.settings.max_bytes), wish, parts)


def _collect(running: dict[Future[Ingested], str], counts: Counter[str], bar: tqdm[Any]) -> None:
    """Count whatever has finished; wait for one if nothing has."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        name = running.pop(future)
        try:
            counts[_outcome(future.result())] += 1
        except RefusedDuplicateError:
            counts["left out"] += 1
        except UnsupportedPictureError:
            # A folder of pictures holds other files too; only what claims to be a picture can fail.
            counts["not pictures"] += 1
        except (KeeponeError, StoreError, OSError) as error:
            counts["failed"] += 1
            bar.write(f"{name}: {error}", file=sys.stderr)
        bar.update()


def _outcome(done: Ingested) -> str:
    return f"{done.image.outcome} as {done.image.verdict}"
