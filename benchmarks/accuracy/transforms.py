"""Edited pictures: thirty edits of AugLy, and chains of two to four of them.

The picture's SHA-256, the names of the edits and a seed decide everything: which numbers are drawn (`ranges`), and
what AugLy draws for itself. So the same three always give the same picture, and the numbers are told with it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.accuracy import augly_door
from benchmarks.accuracy.ranges import CHAIN_STRENGTH, NAMES, drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST = 1280
"""Pixels. A page with a large picture on it grows in every link of a chain; no picture gets larger than this."""
LEAST_SIDE = 48
"""Pixels. Smaller or coarser than this no person could tell which picture it was, so an edit stops there."""
USUAL_SIDE = 321
"""Pixels on the short side of the picture that the table's pixel numbers are meant for."""
BACKGROUND = 1.5
"""Sides of the picture behind, against those of the one pasted upon it before that is made smaller."""
WORDS = ("look", "at", "this", "when", "you", "see", "it", "wow", "best", "day", "ever", "why", "not", "me", "again")
HIDING = {"crop", "rotate", "skew", "overlay_emoji", "overlay_image", "overlay_stripes", "overlay_text"}
"""Done to a page, these could take away or cover all of the picture that was pasted upon it."""
PLACING = {"overlay_onto_background_image", "overlay_onto_screenshot"}
CHARACTERS = 90
"""Of a font, to write with; these are letters, digits and signs."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One edit with the numbers it was given; `before` and `after` are widths and heights."""

    name: str
    arguments: dict[str, Any]
    before: Size
    after: Size


@dataclass(frozen=True, slots=True)
class Others:
    """The pictures that may lie above or below the edited one: by SHA-256, never a reference."""

    hashes: Sequence[str]
    opened: Callable[[str], Image.Image]


def edited(
    picture: Image.Image, sha: str, names: Sequence[str], seed: int, others: Others
) -> tuple[Image.Image, list[Step]]:
    """The picture after those edits, in that order, and what was done."""
    rng = generator(seed, sha, *names)
    strength = 1.0 if len(names) == 1 else CHAIN_STRENGTH
    steps = []
    seen = float(min(picture.size))
    for name in names:
        arguments = fitted(name, drawn(name, rng, strength), picture.size, seen, rng)
        if name in {"overlay_image", "overlay_onto_background_image"}:
            arguments["other"] = _another(others.hashes, sha, rng)
        result = applied(picture, name, arguments, others).convert("RGB")
        after = bounded(result)
        seen *= _grown(name, arguments, picture.size, result.size) * after.width / result.width
        steps.append(Step(name, arguments, picture.size, after.size))
        picture = after
    return picture, steps


def chain(sha: str, number: int, seed: int) -> list[str]:
    """Two to four distinct edits: the names of the `number`-th chain of that picture."""
    rng = generator(seed, sha, "chain", str(number))
    length = int(rng.integers(2, 5))
    names = [NAMES[place] for place in rng.permutation(len(NAMES))[:length]]
    slots = [at for at, name in enumerate(names) if name in HIDING | PLACING]
    for at, name in zip(slots, sorted((names[at] for at in slots), key=PLACING.__contains__), strict=True):
        names[at] = name
    return names


def generator(seed: int, *words: str) -> np.random.Generator:
    """Random numbers that depend on these words and nothing else."""
    digest = hashlib.sha256(" ".join([str(seed), *words]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def fitted(name: str, numbers: dict[str, Any], size: Size, seen: float, rng: np.random.Generator) -> dict[str, Any]:
    """The table's numbers for a picture of this size, of which the source fills `seen` pixels of its short side."""
    width, height = size
    room = min(1.0, LEAST_SIDE / seen)
    match name:
        case "blur" | "perspective_transform":
            key = "radius" if name == "blur" else "sigma"
            numbers[key] = round(numbers[key] * seen / USUAL_SIDE, 4)
        case "pixelization" | "scale":
            key = "ratio" if name == "pixelization" else "factor"
            numbers[key] = max(numbers[key], round(room, 4))
        case "resize":
            factor = max(numbers.pop("factor"), room)
            numbers |= {"width": round(width * factor), "height": round(height * factor)}
        case "change_aspect_ratio":
            numbers["ratio"] = round(numbers.pop("stretch") * width / height, 4)
        case "encoding_quality":
            numbers["quality"] = round(numbers["quality"])
        case "meme_format":
            words = max(1, min(5, width // 40))
            numbers["text"] = " ".join(WORDS[place] for place in rng.integers(len(WORDS), size=words))
            numbers["caption_height"] = max(30, round(numbers.pop("caption") * height))
        case "overlay_text":
            shape = (numbers.pop("lines"), int(rng.integers(5, 13)))
            numbers["text"] = rng.integers(CHARACTERS, size=shape).tolist()
        case "crop":
            numbers = _window(room, **numbers)
    if name in {"perspective_transform", "random_noise", "shuffle_pixels"}:
        numbers["seed"] = int(rng.integers(2**31))
    return numbers


def applied(picture: Image.Image, name: str, arguments: dict[str, Any], others: Others) -> Image.Image:
    """AugLy's edit of that name, with what `fitted` returned."""
    given = dict(arguments)
    if "red" in given:
        colour = (given.pop("red"), given.pop("green"), given.pop("blue"))
        given[{"meme_format": "text_color", "overlay_stripes": "line_color"}.get(name, "color")] = colour
    if "font" in given:
        given["font_file"] = augly_door.asset(augly_door.FONTS, f"{given.pop('font')}.ttf")
    if "resample" in given:
        given["resample"] = Image.Resampling[given["resample"]]
    if "template" in given:
        given["template_filepath"] = augly_door.asset(augly_door.TEMPLATES, given.pop("template"))
    function = augly_door.function(name)
    match name:
        case "overlay_emoji":
            given["emoji_path"] = augly_door.asset(augly_door.EMOJI, given.pop("emoji"))
            given |= _placed(picture.size, (1, 1), given.pop("size"), given.pop("x"), given.pop("y"))
            given["emoji_size"] = given.pop("overlay_size")
        case "overlay_image":
            given["overlay"] = others.opened(given.pop("other"))
            given |= _placed(picture.size, given["overlay"].size, given.pop("size"), given.pop("x"), given.pop("y"))
        case "overlay_onto_background_image":
            given["background_image"] = behind = _behind(others.opened(given.pop("other")), picture.size)
            given |= _placed(behind.size, picture.size, given.pop("size"), given.pop("x"), given.pop("y"))
    return function(picture, **given)


def bounded(picture: Image.Image) -> Image.Image:
    """No larger than `LONGEST`."""
    if max(picture.size) > LONGEST:
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return picture


def _grown(name: str, arguments: dict[str, Any], before: Size, after: Size) -> float:
    """How many times larger the source's short side is after an edit, or a little less than that."""
    match name:
        case "overlay_onto_background_image":
            # The two sizes' heights differ, but not by more than the background's shape does.
            return float(arguments["size"]) * BACKGROUND
        case "overlay_onto_screenshot":
            # A web page gives its picture 286 of 736 pixels, a telephone 278 or, to a wide picture, 362 of 414.
            width, height = (529, 286) if arguments["template"] == "web.png" else (362, 278)
            fits = min(width / before[0], height / before[1])
            return fits if arguments["resize_src_to_match_template"] else 1.0
        case "pad" | "pad_square" | "meme_format":
            return 1.0
    return min(after) / min(before)


def _window(room: float, area: float, stretch: float, x: float, y: float) -> dict[str, float]:
    """A window of that share of the area, `stretch` times as wide as the picture's own shape would have it."""
    wide = min(1.0, max(room, math.sqrt(area * stretch)))
    high = min(1.0, max(room, area / wide))
    left, top = x * (1 - wide), y * (1 - high)
    corners = {"x1": left, "y1": top, "x2": left + wide, "y2": top + high}
    return {key: min(1.0, round(value, 4)) for key, value in corners.items()}


def _placed(below: Size, above: Size, size: float, x: float, y: float) -> dict[str, float]:
    """AugLy's words for a picture of that height, as a share of the one below it, that lies wholly within it."""
    width = size * below[1] / above[1] * above[0] / below[0]
    if width > 0.9:
        size, width = size * 0.9 / width, 0.9
    return {"overlay_size": size, "x_pos": x * (1 - width), "y_pos": y * (1 - size)}


def _behind(picture: Image.Image, size: Size) -> Image.Image:
    """The background in its own shape, with `BACKGROUND` squared the area of the picture that goes upon it."""
    factor = BACKGROUND * math.sqrt(size[0] * size[1] / (picture.width * picture.height))
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC)


def _another(hashes: Sequence[str], sha: str, rng: np.random.Generator) -> str:
    """One of these that is not the edited picture itself."""
    first = int(rng.integers(len(hashes)))
    return hashes[first] if hashes[first] != sha else hashes[(first + 1) % len(hashes)]
