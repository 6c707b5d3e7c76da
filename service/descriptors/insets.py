"""Where in a picture another picture may lie: on a page, in a frame, pasted upon a third.

The network sees the whole picture squeezed to a small square, where what was pasted small is a few dozen pixels. But
whoever lays one picture upon another leaves straight borders, upright and level, that end where they meet. Those are
looked for: rectangles of which at least three sides show such a border nearly all along, the fourth being the picture's
own edge, and what lies between two bars. What is found is asked about beside the whole; that a rectangle is none costs
one more question, no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.domain.regions import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from service.domain.values import Region

    Floats = NDArray[np.float32]
    Places = NDArray[np.intp]

MOST = 2
LONGEST = 160
"""Pixels of the longer side that borders are looked for in."""
STEP = 12
"""Levels by which a border changes the picture."""
RIDGE = 1.5
"""And by how many times as much as the picture changes around it."""
_WIDE = 0.75
"""What a change over three pixels counts against one over one: borders may be soft."""
LINES = 9
"""The clearest borders, upright and level, that rectangles are made of."""
LEAST_SIDE = 0.16
"""Share of the picture's side."""
LEAST_AREA, MOST_AREA = 0.03, 0.88
LEAST_SIDES = 3
"""With two, natural pictures have twice as many (0.78 each instead of 0.4), and of 1,250 copies not one more is found."""
BARS = 0.8
"""As `MEAN_SHOWN`, between bars above and below or at either side: two borders from edge to edge."""
LEAST_SHOWN, MEAN_SHOWN = 0.6, 0.66
"""Share of a side's length at which there is a border: of each side, and of all on average, less what runs on beyond."""
_RUNS_ON, _BEYOND = 0.35, 8
_HEM = 2
"""Pixels: what lies so near an edge, or so little beyond a corner, says nothing."""
_EACH, _LARGE = 0.06, 0.25
"""What a further side, and size, count when rectangles are ranked."""
SAME = 0.5
"""Overlap from which on two rectangles are one."""


def insets(picture: NDArray[np.uint8]) -> list[Region]:
    """Of an upright RGB picture (H, W, 3) the likeliest places of other pictures, as shares; `MOST` at the most."""
    height, width = picture.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if min(size) < 1 / LEAST_SIDE:
        return []
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    planes = np.ascontiguousarray(small.transpose(2, 0, 1), np.int16)  # of three bytes side by side numpy is slow
    upright, level = _borders(planes), _borders(planes.swapaxes(1, 2))
    across, down = _spans(upright), _spans(level)
    if not len(across) or not len(down):
        return []
    boxes = np.concatenate(
        [across.repeat(len(down), axis=0), np.tile(down, (len(across), 1))], axis=1
    )  # left, right, top, bottom
    ranked = _ranked(boxes, upright, level)
    chosen: list[Region] = []
    for left, right, top, bottom in ranked / np.array([size[0], size[0], size[1], size[1]]):
        box = (float(left), float(top), float(right), float(bottom))
        if all(overlap(box, other) < SAME for other in chosen):
            chosen.append(box)
        if len(chosen) == MOST:
            break
    return chosen


def cut(picture: NDArray[np.uint8], box: Region) -> NDArray[np.uint8]:
    """That part of the picture."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(box, (width, height, width, height), strict=True)
    )
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


def with_parts(picture: NDArray[np.uint8], boxes: Sequence[Region] = ()) -> list[NDArray[np.uint8]]:
    """What a picture is asked as: itself, and what may lie in it."""
    return [picture, *(cut(picture, box) for box in boxes)]


@dataclass(frozen=True, slots=True)
class _Borders:
    """Between every two columns (or rows), and outside the first and the last: where along them there is a border."""

    shown: NDArray[np.bool_]
    """(lines, length)."""
    counts: Floats
    """(lines, length + 1): how many so far."""

    def share(self, line: Places, first: Places, end: Places) -> Floats:
        shown: Floats = (self.counts[line, end] - self.counts[line, first]) / np.maximum(end - first, 1)
        return shown

    def share_beyond(self, line: Places, first: Places, end: Places) -> Floats:
        """How far it runs on before its first and behind its last pixel."""
        before, behind = np.maximum(first - _BEYOND, 0), np.minimum(end + _BEYOND, self.shown.shape[1])
        on = self.counts[line, first] - self.counts[line, before] + self.counts[line, behind] - self.counts[line, end]
        room = (first - before) + (behind - end)
        beyond: Floats = np.where(room > _HEM, on / np.maximum(room, 1), 0)
        return beyond


def _borders(planes: NDArray[np.int16]) -> _Borders:
    """Of (3, h, w) those between columns."""
    _, height, width = planes.shape
    change = np.zeros((height, width + 1), np.float32)
    change[:, 1:-1] = np.abs(planes[:, :, 1:] - planes[:, :, :-1]).max(axis=0)
    change[:, 2:-2] = np.maximum(change[:, 2:-2], _WIDE * np.abs(planes[:, :, 3:] - planes[:, :, :-3]).max(axis=0))
    around = np.asarray(cv2.blur(change, (9, 1)))
    on = ((change > STEP) & (change > RIDGE * around)).T
    shown = on.copy()  # a border may wander by a pixel
    shown[1:] |= on[:-1]
    shown[:-1] |= on[1:]
    counts = np.zeros((width + 1, height + 1), np.float32)
    np.cumsum(shown, axis=1, out=counts[:, 1:])
    return _Borders(shown, counts)


def _spans(borders: _Borders) -> NDArray[np.intp]:
    """(n, 2): pairs of the clearest lines, the picture's own edges among them, that are far enough apart."""
    count, length = borders.shown.shape
    # The longest stretch of a line that is border with few gaps: each gap undoes two pixels.
    runs = np.zeros((count, length + 1), np.float32)
    np.cumsum(np.where(borders.shown, 1.0, -2.0), axis=1, out=runs[:, 1:])
    longest = (runs - np.minimum.accumulate(runs, axis=1)).max(axis=1)
    last = count - 1
    lines: list[int] = []
    for line in np.argsort(-longest, kind="stable").tolist():
        if longest[line] < LEAST_SIDE * length or len(lines) == LINES:
            break
        if _HEM < line < last - _HEM and all(abs(line - other) > 1 for other in lines):
            lines.append(line)
    pairs = [pair for pair in combinations([0, *sorted(lines), last], 2) if pair[1] - pair[0] >= LEAST_SIDE * last]
    return np.array(pairs, np.intp).reshape(-1, 2)


def _ranked(boxes: NDArray[np.intp], upright: _Borders, level: _Borders) -> NDArray[np.intp]:
    """Those of (n, 4) left, right, top, bottom that are likely rectangles, likeliest first."""
    left, right, top, bottom = boxes.T
    width, height = level.shown.shape[1], upright.shown.shape[1]
    sides = [
        (upright, left, top, bottom),
        (upright, right, top, bottom),
        (level, top, left, right),
        (level, bottom, left, right),
    ]
    edge = np.stack([left == 0, right == width, top == 0, bottom == height])
    shown = np.stack([borders.share(*where) for borders, *where in sides])
    beyond = np.stack([borders.share_beyond(*where) for borders, *where in sides])
    count = (~edge).sum(axis=0)
    between_bars = (edge[:2].all(axis=0) | edge[2:].all(axis=0)) & (count == 2)  # noqa: PLR2004 - the other two
    mean = np.where(edge, 0, shown - _RUNS_ON * beyond).sum(axis=0) / np.maximum(count, 1)
    area = (right - left) * (bottom - top) / (width * height)
    likely = (count >= LEAST_SIDES) & (mean >= MEAN_SHOWN) | between_bars & (mean >= BARS)
    likely &= (np.where(edge, 1, shown).min(axis=0) >= LEAST_SHOWN) & (area >= LEAST_AREA) & (area <= MOST_AREA)
    worth = mean + _EACH * count + _LARGE * np.sqrt(area)
    order = np.argsort(-worth[likely], kind="stable")
    ranked: NDArray[np.intp] = boxes[likely][order]
    return ranked
