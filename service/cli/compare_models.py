"""`keepone compare-models PATH`: which model to trust, measured on pictures of one's own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from service import wiring
from service.cli import options
from service.cli.files import read_picture
from service.cli.labelled import from_folder, from_list
from service.cli.roc_svg import roc_svg
from service.descriptors import clip, deepface, sizes
from service.descriptors.protocol import Described
from service.descriptors.registry import MODELS
from service.settings import Settings, load_settings
from service.workflows import compare_models
from service.workflows.compare_models import Comparison, Measured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from service.descriptors.protocol import SpaceModel
    from service.pictures.pool import Decoded, DecodePool

_COLUMNS = ("model", "metric", "balanced", "threshold", "best", "makers'", "EER", "area", "lost", "ms", "MB")


@click.command("compare-models")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--images", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Where a list's files lie."
)
@click.option("--model", "names", multiple=True, help="This one alone; may be given again. Unless told: all installed.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write comparison.json and roc.svg there."
)
@options.as_json
@options.data
def command(
    path: Path, images: Path | None, names: tuple[str, ...], out: Path | None, as_json: bool, data: Path | None
) -> None:
    """Say which model tells pairs apart best: PATH is a folder with a folder for each person, or a list of pairs (CSV)."""
    settings = load_settings(data=data)
    labelled = from_folder(path) if path.is_dir() else from_list(path, images)
    openers = {name: _opener(name, settings) for name in names or installed(settings)}
    with closing(wiring.decoders(settings)) as pool:
        found = compare_models.compare(
            _Pictures(labelled.files, settings, pool, lambda decoded: sizes.copied(decoded.pixels)),
            labelled.pairs,
            openers,
            memory=_resident,
            shown={_BuiltIn.name: _Pictures(labelled.files, settings, pool, lambda decoded: np.array(decoded.working))},
            told=lambda name: print(f"asking {name} about {len(labelled.files)} pictures", file=sys.stderr),
        )
    written = compare_models.as_json(found)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "comparison.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
        curves = {f"{one['model']} {one['metric']}": one["roc"] for one in written["measured"]}
        (out / "roc.svg").write_text(roc_svg(curves, "Same found, different taken for same"), encoding="utf-8")
    print(json.dumps(written) if as_json else table(found, written["recommendation"]))


def installed(settings: Settings) -> list[str]:
    """Every model that is there: the built-in one, and those whose weights lie where they belong."""
    return ["builtin", *clip.installed(settings), *deepface.installed()]


def _opener(name: str, settings: Settings) -> Callable[[], SpaceModel]:
    if name.startswith(clip.PREFIX):
        return partial(clip.opened, name, settings)
    if name.startswith(deepface.PREFIX):
        return partial(deepface.opened, name, settings)
    if name in MODELS:
        return _BuiltIn
    raise click.UsageError(f"There is no model {name}; installed: {', '.join(installed(settings))}.")


class _BuiltIn:
    """The built-in descriptor as one model among the others."""

    name = "builtin"
    dimension = MODELS["builtin"].dimension
    of_faces = False
    thresholds: Mapping[str, float] = {}

    def __init__(self) -> None:
        self.state: Mapping[str, object] = {"name": self.name}
        self._embedder = wiring.embedder()

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        return [(Described(row),) for row in self._embedder.embed(pictures)]

    def close(self) -> None:
        """It holds nothing that must be let go."""


class _Pictures(Sequence["NDArray[np.uint8]"]):
    """As the service shows them to a model: upright, sRGB, in the size that is its. Read anew for each model."""

    def __init__(
        self,
        files: list[Path],
        settings: Settings,
        pool: DecodePool,
        size: Callable[[Decoded], NDArray[np.uint8]],
    ) -> None:
        """`size` makes an array of its own, which outlives the decoded picture."""
        self._files, self._most_bytes, self._pool, self._size = files, settings.max_bytes, pool, size

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> NDArray[np.uint8]:  # type: ignore[override]  # none slices them
        with self._pool.decode(read_picture(self._files[number], self._most_bytes), wait_s=None) as decoded:
            return self._size(decoded)


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def table(found: Comparison, recommendation: str) -> str:
    """As a person reads it, the best first."""
    best_first = sorted(found.measured, key=lambda one: -one.trusted_accuracy)
    rows = [list(_COLUMNS), *(_cells(one, found) for one in best_first)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = [
        f"{found.pictures} pictures, {found.same} pairs of the same, {found.different} of different ones",
        "",
        *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows),
        *(f"{name}: {why}" for name, why in found.refused.items()),
        "",
        recommendation,
    ]
    return "\n".join(lines)


def _cells(one: Measured, found: Comparison) -> list[str]:
    cost = found.costs[one.model]
    return [
        one.model,
        one.metric,
        f"{one.trusted_accuracy:.3f}" if one.held_out else "too few",
        f"{one.held_out.threshold:.3g}" if one.held_out else "",
        f"{one.best_accuracy:.3f}",
        "" if one.makers_accuracy is None else f"{one.makers_accuracy:.3f}",
        f"{one.equal_error_rate:.3f}",
        f"{one.curve.area:.3f}",
        f"{one.lost}",
        f"{cost.cpu_ms_per_picture:.0f}",
        f"{cost.memory_bytes / 1e6:.0f}",
    ]
