"""ROC curves as an SVG, drawn by hand: a square, a grid, one line and one legend entry for each curve."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIDE, _LEFT, _TOP, _LEGEND = 400, 60, 20, 300
# Okabe and Ito's colours, told apart by the colour-blind too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("", "6 3", "2 3", "8 3 2 3")


def roc_svg(curves: Mapping[str, Sequence[Sequence[float]]], title: str) -> str:
    """`curves`: by name, points of (false accepts, true accepts), both [0, 1], in rising order."""
    width, height = _LEFT + _SIDE + 20 + _LEGEND, _TOP + _SIDE + 50
    height = max(height, _TOP + 18 * len(curves))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        '<g font-size="12">',
    ]
    for tenth in range(0, 11, 2):
        x, y = _place(tenth / 10, tenth / 10)
        parts.extend(
            (
                f'<path d="M{x} {_TOP}V{_TOP + _SIDE}M{_LEFT} {y}H{_LEFT + _SIDE}" stroke="#ddd"/>',
                f'<text x="{x}" y="{_TOP + _SIDE + 16}" text-anchor="middle">{tenth / 10}</text>',
                f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{tenth / 10}</text>',
            )
        )
    parts.extend(
        (
            f'<text x="{_LEFT + _SIDE / 2}" y="{_TOP + _SIDE + 36}" text-anchor="middle">different taken for same</text>',
            f'<text transform="translate(16 {_TOP + _SIDE / 2}) rotate(-90)" text-anchor="middle">same found</text>',
        )
    )
    for number, (name, points) in enumerate(curves.items()):
        dashes = _DASHES[number // len(_COLOURS) % len(_DASHES)]
        look = f'stroke="{_COLOURS[number % len(_COLOURS)]}" stroke-dasharray="{dashes}"'
        line = " ".join("{},{}".format(*_place(*point)) for point in points)
        x, y = _LEFT + _SIDE + 20, _TOP + 10 + 18 * number
        parts.extend(
            (
                f'<polyline points="{line}" fill="none" stroke-width="2" {look}/>',
                f'<path d="M{x} {y}h24" stroke-width="2" {look}/>',
                f'<text x="{x + 30}" y="{y + 4}">{escape(name)}</text>',
            )
        )
    return "\n".join([*parts, "</g>", "</svg>\n"])


def _place(false_accepts: float, true_accepts: float) -> tuple[float, float]:
    return round(_LEFT + _SIDE * false_accepts, 1), round(_TOP + _SIDE * (1 - true_accepts), 1)
