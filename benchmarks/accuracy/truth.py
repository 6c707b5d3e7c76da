"""What an edited picture should be called: AugLy's names in the words of `edits`, and the region that a crop kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from benchmarks.accuracy.transforms import Step

Region = tuple[float, float, float, float]
"""Left, top, right, bottom, as shares of the picture that was edited."""
SQUARE_ENOUGH = 1.05
"""Sides that differ by less leave `pad_square` nothing that can be seen."""
GREY_ENOUGH = 0.15
"""A saturation below this may as well be called greyscale."""


@dataclass(frozen=True, slots=True)
class Words:
    """`wanted` must be said; `accepted` may be, because the edit does a little of that too."""

    wanted: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()

    def right(self, said: Collection[str]) -> bool:
        return set(self.wanted) <= set(said) <= {*self.wanted, *self.accepted}


EDITS: dict[str, Words] = {
    "blur": Words(("blurred",)),
    "brightness": Words(("recoloured",)),
    "change_aspect_ratio": Words(("stretched",)),
    "color_jitter": Words(("recoloured",), ("greyscale",)),
    "contrast": Words(("recoloured",)),
    "crop": Words(("cropped",)),
    "encoding_quality": Words(("compressed",)),
    "grayscale": Words(("greyscale",), ("recoloured",)),
    "hflip": Words(("flipped",)),
    # Upside down is a mirror image turned by half a circle.
    "vflip": Words(("flipped",), ("rotated",)),
    # A white strip with words on it, above the picture.
    "meme_format": Words(("padded",), ("overlaid",)),
    "opacity": Words(("recoloured",)),
    "overlay_emoji": Words(("overlaid",)),
    "overlay_image": Words(("overlaid",)),
    "overlay_text": Words(("overlaid",)),
    "overlay_stripes": Words(("overlaid",)),
    # Up to 15 % of the background shows through.
    "overlay_onto_background_image": Words(("composited",), ("recoloured",)),
    # Black bars fill the page's slot.
    "overlay_onto_screenshot": Words(("screenshot",), ("composited", "padded")),
    "pad": Words(("padded",)),
    "pad_square": Words(("padded",)),
    # The frame stays as it was: corners leave it, and black comes in.
    "perspective_transform": Words(("perspective",), ("cropped", "padded")),
    # AugLy makes it small and large again with soft edges: nothing in the picture is square, and anybody would say blurred.
    "pixelization": Words(("blurred",), ("pixelated",)),
    "random_noise": Words(("noisy",)),
    "resize": Words(),
    # The largest upright window without black corners is cut out.
    "rotate": Words(("rotated",), ("cropped",)),
    "saturation": Words(("recoloured",)),
    "scale": Words(),
    "sharpen": Words(("sharpened",)),
    "shuffle_pixels": Words(("noisy",)),
    "skew": Words(("perspective",), ("cropped", "padded")),
}
"""The published map from AugLy's transforms to our words."""

CUTTING = {"crop", "rotate", "perspective_transform", "skew"}
MOVING = {
    "hflip",
    "vflip",
    "meme_format",
    "overlay_onto_background_image",
    "overlay_onto_screenshot",
    "pad",
    "pad_square",
}
"""After these a share of the edited picture is another share of the source."""


def words(steps: Sequence[Step]) -> Words:
    """What a picture may be called after these edits: wanted is what any of them wants."""
    each = [_words(step) for step in steps]
    wanted = dict.fromkeys(word for one in each for word in one.wanted)
    accepted = dict.fromkeys(word for one in each for word in one.accepted if word not in wanted)
    return Words(tuple(wanted), tuple(accepted))


def region(steps: Sequence[Step]) -> Region | None:
    """What a crop kept of the source, where the crop alone decides that; otherwise nothing."""
    names = [step.name for step in steps]
    if [name for name in names if name in CUTTING] != ["crop"]:
        return None
    at = names.index("crop")
    if MOVING & set(names[:at]):
        return None
    given, (width, height) = steps[at].arguments, steps[at].before
    # AugLy cuts at whole pixels, rounded down.
    left, right = (int(width * given[key]) / width for key in ("x1", "x2"))
    top, bottom = (int(height * given[key]) / height for key in ("y1", "y2"))
    return left, top, right, bottom


def _words(step: Step) -> Words:
    if step.name == "pad_square" and max(step.before) / min(step.before) < SQUARE_ENOUGH:
        return Words((), ("padded",))
    if step.name == "saturation" and step.arguments["factor"] < GREY_ENOUGH:
        return Words((), ("recoloured", "greyscale"))
    return EDITS[step.name]
