"""Whether one picture is what it claims to be: risks with the signals that made them, None with the reason elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.assess.recapture import RECAPTURED_FROM, recapture_risk
from service.assess.screenshot import SCREENSHOT_FROM, likeness
from service.assess.synthetic import generated, is_declared_screenshot, marks
from service.assess.tiles import take_sample
from service.domain.values import Authenticity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from service.domain.file_facts import FileFacts

NO_MARK: Final = "no mark says that it was generated, and pixels are not asked"
UNREAD: Final = "marks in files of this format are not read, and pixels are not asked"
NOT_LIKE_ANY: Final = "too small, or pixelated"
NO_GRID: Final = "too small or too even: no grid to look for"
DRAWN: Final = "drawn or pixelated pictures have grids of their own"
NOT_LOOKED_FOR: Final = "no faces are looked for (KEEPONE_FACES)"
LIKE_AN_ATTACK: Final = 0.5
"""From here on more speaks for a picture of a face than for a living one: the networks' classes add up to 1."""
NOTHING_KNOWN: Final = "none of its parts could be judged"


def assess_authenticity(
    picture: NDArray[np.uint8], file: FileFacts, presented: float | str = NOT_LOOKED_FOR
) -> Authenticity:
    """Of an upright RGB picture (H, W, 3) and what its file says. `risk` is the largest of the risks that are known.

    `presented`: the risk that a face in it is no living one, or why that is unknown.
    """
    made = generated(file)
    tiles = take_sample(picture).grey
    looks = likeness(tiles)
    screenshot = 1.0 if is_declared_screenshot(file) else looks
    is_drawn = looks is None or looks >= SCREENSHOT_FROM
    recapture = None if is_drawn else recapture_risk(tiles)
    attack = None if isinstance(presented, str) else presented
    unknown = {}
    if isinstance(presented, str):
        unknown["presentation_attack"] = presented
    if recapture is None:
        unknown["recapture"] = DRAWN if is_drawn else NO_GRID
    if made is None:
        unknown["generated"] = NO_MARK if file.marks_readable else UNREAD
    if screenshot is None:
        unknown["screenshot"] = NOT_LIKE_ANY
    risk = max((risk for risk in (made, screenshot, recapture, attack) if risk is not None), default=None)
    if risk is None:
        unknown["risk"] = NOTHING_KNOWN
    signals = [*marks(file)]
    if looks is not None and looks >= SCREENSHOT_FROM:
        signals.append("flat, straight and crisp as what a computer draws")
    if recapture is not None and recapture >= RECAPTURED_FROM:
        signals.append("a fine grid lies over it, as in a photograph of a screen or of a print")
    if attack is not None and attack >= LIKE_AN_ATTACK:
        signals.append("a face that looks like a print, a screen or a mask before the camera")
    return Authenticity(
        risk=risk,
        screenshot=screenshot,
        recapture=recapture,
        generated=made,
        presentation_attack=attack,
        signals=tuple(signals),
        unknown=unknown,
    )
