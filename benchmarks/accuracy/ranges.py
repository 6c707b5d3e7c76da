"""How hard each edit is: one table, and how its numbers are drawn.

The ranges follow the image-similarity challenge of 2021 (DISC21, arXiv 2106.09672): hard, but a person still sees
which picture it was. Where a number is in pixels it is meant for a picture of 321 pixels on its short side and grows
with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CHAIN_STRENGTH = 2 / 3
"""A link of a chain stays in the milder two thirds of each range; several at full strength leave nothing to see."""


@dataclass(frozen=True, slots=True)
class Strength:
    """A number between a mild and a hard one."""

    mild: float
    hard: float

    def drawn(self, rng: np.random.Generator, strength: float) -> float:
        return round(float(self.mild + rng.random() * strength * (self.hard - self.mild)), 4)


@dataclass(frozen=True, slots=True)
class Either:
    """Too little or too much, by turns of a coin."""

    less: Strength
    more: Strength

    def drawn(self, rng: np.random.Generator, strength: float) -> float:
        return (self.less if rng.random() < 0.5 else self.more).drawn(rng, strength)


@dataclass(frozen=True, slots=True)
class Anywhere:
    """A number that is not harder at one end than at the other."""

    low: float
    high: float

    def drawn(self, rng: np.random.Generator, strength: float) -> float:
        del strength
        return round(float(rng.uniform(self.low, self.high)), 4)


@dataclass(frozen=True, slots=True)
class OneOf:
    choices: tuple[Any, ...]

    def drawn(self, rng: np.random.Generator, strength: float) -> Any:
        del strength
        return self.choices[int(rng.integers(len(self.choices)))]


Range = Strength | Either | Anywhere | OneOf

PLACE = Anywhere(0, 1)
"""Where something goes, as a share of the room there is."""
LEVEL = OneOf(tuple(range(256)))
COLOUR: dict[str, Range] = {"red": LEVEL, "green": LEVEL, "blue": LEVEL}
FONT = OneOf(("Raleway-ExtraBold", "Chunkfive", "Impact", "OpenSans-Bold", "Lobster_1.3", "Ubuntu-B"))
FACES = ("alien", "angry_face", "astonished_face", "face_with_tears_of_joy", "ghost", "goblin", "neutral_face", "skull")
FACE = OneOf(tuple(f"smileys/{name}.png" for name in FACES))

RANGES: dict[str, dict[str, Range]] = {
    "blur": {"radius": Strength(1, 6)},
    "brightness": {"factor": Either(Strength(0.7, 0.25), Strength(1.4, 2.4))},
    "change_aspect_ratio": {"stretch": Either(Strength(0.8, 0.5), Strength(1.25, 2))},
    "color_jitter": {
        "brightness_factor": Either(Strength(0.8, 0.5), Strength(1.2, 1.7)),
        "contrast_factor": Either(Strength(0.8, 0.5), Strength(1.2, 1.8)),
        "saturation_factor": Either(Strength(0.7, 0.1), Strength(1.4, 3)),
    },
    "contrast": {"factor": Either(Strength(0.65, 0.25), Strength(1.5, 3))},
    "crop": {"area": Strength(0.9, 0.25), "stretch": Anywhere(0.75, 1.33), "x": PLACE, "y": PLACE},
    "encoding_quality": {"quality": Strength(40, 5)},
    "grayscale": {"mode": OneOf(("luminosity", "average"))},
    "hflip": {},
    "vflip": {},
    "meme_format": {"caption": Strength(0.15, 0.6), "font": FONT, **COLOUR},
    "opacity": {"level": Strength(0.7, 0.2)},
    "overlay_emoji": {"emoji": FACE, "size": Strength(0.2, 0.6), "opacity": Anywhere(0.7, 1), "x": PLACE, "y": PLACE},
    "overlay_image": {"size": Strength(0.25, 0.6), "opacity": Anywhere(0.6, 1), "x": PLACE, "y": PLACE},
    "overlay_text": {
        "lines": OneOf((1, 2, 3)),
        "font": FONT,
        "font_size": Strength(0.08, 0.25),
        "opacity": Anywhere(0.5, 1),
        "x_pos": Anywhere(0, 0.4),
        "y_pos": Anywhere(0, 0.75),
        **COLOUR,
    },
    "overlay_stripes": {
        "line_width": Strength(0.15, 0.5),
        "line_density": Anywhere(0.5, 0.9),
        "line_angle": Anywhere(-90, 90),
        "line_type": OneOf(("solid", "dotted", "dashed")),
        "line_opacity": Strength(0.4, 1),
        **COLOUR,
    },
    "overlay_onto_background_image": {
        "size": Strength(0.7, 0.25),
        "opacity": Anywhere(0.85, 1),
        "x": PLACE,
        "y": PLACE,
    },
    "overlay_onto_screenshot": {
        "template": OneOf(("web.png", "mobile.png")),
        "resize_src_to_match_template": OneOf((False, True)),
    },
    "pad": {"w_factor": Strength(0.05, 0.5), "h_factor": Strength(0.05, 0.5), **COLOUR},
    "pad_square": COLOUR,
    "perspective_transform": {"sigma": Strength(12, 45)},
    "pixelization": {"ratio": Strength(0.6, 0.15)},
    "random_noise": {"var": Strength(0.01, 0.1)},
    "resize": {
        "factor": Either(Strength(0.8, 0.3), Strength(1.3, 2)),
        "resample": OneOf(("NEAREST", "BOX", "BILINEAR", "BICUBIC")),
    },
    "rotate": {"degrees": Anywhere(5, 355)},
    "saturation": {"factor": Either(Strength(0.5, 0), Strength(2, 6))},
    "scale": {"factor": Strength(0.6, 0.2)},
    "sharpen": {"factor": Strength(4, 30)},
    "shuffle_pixels": {"factor": Strength(0.1, 0.5)},
    "skew": {"skew_factor": Either(Strength(-0.15, -0.6), Strength(0.15, 0.6)), "axis": OneOf((0, 1))},
}
NAMES = tuple(RANGES)


def drawn(name: str, rng: np.random.Generator, strength: float = 1) -> dict[str, Any]:
    """The numbers of one edit, as the table has them; `strength` is how far from mild to hard they may go, (0, 1]."""
    return {key: one.drawn(rng, strength) for key, one in RANGES[name].items()}
