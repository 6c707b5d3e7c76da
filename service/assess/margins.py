"""How much of a picture is a frame around it: borders, bands with a caption, the page of a screenshot.

A frame's rows and columns are of one colour, but for a line of words, from the edge of the picture up to where the
picture within begins, all along one straight line. A sky is of one colour too, and ends nowhere at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVERY: Final = 3
"""Of so many pixels of a row one is looked at."""
ALIKE: Final = 6
"""Grey levels from a row's own median within which a pixel is of its colour."""
PLAIN, WRITTEN = 0.8, 0.45
"""Share of a row that is of its colour: a frame's, and one with words on it."""
UNLIKE, MOSTLY = 10, 0.6
"""Where a frame ends, so many levels lie between its colour and this share of what comes next."""
EVENLY, DRAWN = 1, 0.95
"""What a program fills has this share of its pixels within one level; no photograph's dark edge does."""
NEXT: Final = 2
"""Rows after the last of a frame that are looked at: scaling mixes the one between."""
LINE: Final = 14
"""Rows of words that may hide the colour of a frame altogether."""
LEAST: Final = 3
"""Rows that make a frame."""
MOST: Final = 0.45
"""Share of a side that the frame on one end of it may take."""


def margin(small: NDArray[np.uint8]) -> float:
    """The share of a small upright RGB picture's area, 0..1, that is frame. What is all one colour has none."""
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = grey.shape
    top, bottom = (_deep(rows) for rows in (grey[:, ::EVERY], grey[::-1, ::EVERY]))
    left, right = (_deep(rows) for rows in (grey[::EVERY].T, grey[::EVERY, ::-1].T))
    return float(1 - (1 - (top + bottom) / height) * (1 - (left + right) / width))


def _deep(rows: NDArray[np.uint8]) -> int:
    """How many rows from the first on are frame."""
    room = int(MOST * len(rows))
    if room < LEAST + NEXT or _of_one_colour(rows[:1])[1][0] < PLAIN:
        return 0
    looked_at = rows[: room + NEXT + 1].astype(np.int16)
    middles, share = _of_one_colour(looked_at)
    end = min(_last_written(middles, share[: room + 1]), len(looked_at) - NEXT)
    beyond = slice(NEXT, end + NEXT)
    last = (share[:end] >= PLAIN) & _ends(looked_at[:end], middles[:end], looked_at[beyond], share[beyond])
    frames = np.flatnonzero(last[LEAST - 1 :])
    return int(frames[-1]) + LEAST if len(frames) else 0


def _last_written(middles: NDArray[np.int16], share: NDArray[np.float64]) -> int:
    """The row from which on it is no frame: words may hide its colour for a line, if it goes on below them."""
    plain = 0
    for row in range(len(share)):
        if share[row] >= WRITTEN:
            if row - plain > 1 and abs(int(middles[row]) - int(middles[plain])) > ALIKE:
                return plain + 1
            plain = row
        elif row - plain > LINE:
            break
    return plain + 1


def _ends(
    inner: NDArray[np.int16], levels: NDArray[np.int16], beyond: NDArray[np.int16], share: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which frames end between two rows: at another colour, or drawn evenness at a dark picture's.

    Args:
        inner: (n, width): the last row of each.
        levels: (n,): each frame's colour.
        beyond: (n, width): the row after each.
        share: (n,): of that row's pixels, which are of its own colour.
    """
    away = np.abs(beyond - levels[:, None])
    is_drawn = (np.abs(inner - levels[:, None]) <= EVENLY).mean(axis=1) >= DRAWN
    is_drawn &= (away <= EVENLY).mean(axis=1) <= 1 - MOSTLY
    return np.asarray(((away > UNLIKE).mean(axis=1) >= MOSTLY) | (is_drawn & (share < PLAIN)))


def _of_one_colour(rows: NDArray[np.integer]) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Each row's median, and the share of its pixels that are of its colour."""
    half = rows.shape[1] // 2
    middles = np.partition(rows, half, axis=1)[:, half].astype(np.int16)
    return middles, np.asarray((np.abs(rows.astype(np.int16) - middles[:, None]) <= ALIKE).mean(axis=1))
