"""Two views of a picture, made for a whole batch at once: what people and tools do to pictures before they come back.

A view is one map from its square to the picture's, or to a page or another picture that it lies in, then things laid on
top, then changes of light, sharpness and grain. Each is drawn by chance for each picture of the batch. What is done to
which share of the views was chosen from what the benchmark's edits look like, never from its pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.descriptor.pictures import Pictures
    from training.descriptor.stock import Stock

LIGHT_SHARE = 0.6
"""Of the first views."""
_GREY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


@dataclass(frozen=True, slots=True)
class Chance:
    """How likely a view is to be cut, turned, laid into something else and so on."""

    crop: float = 0.55
    least_area: float = 0.18
    turn: float = 0.25
    right_angle: float = 0.12
    upside_down: float = 0.06
    lean: float = 0.18
    pad: float = 0.15
    paste: float = 0.3
    overlay: float = 0.4
    grain: float = 1.0
    """Scales the chance of every change of light, sharpness and noise."""


HARD = Chance()
LIGHT = Chance(0.3, 0.5, 0.05, 0.02, 0.01, 0.05, 0.05, 0.0, 0.1, 0.25)


class Views:
    """Draws views of `pictures`, with `stock` to lay them into and to lay over them."""

    def __init__(self, pictures: Pictures, stock: Stock) -> None:
        self._pixels = torch.as_tensor(pictures.pixels)
        self._aspects = torch.as_tensor(pictures.aspects)
        self._pages = torch.as_tensor(stock.pages)
        self._boxes = torch.as_tensor(stock.boxes)
        self._page_aspects = torch.as_tensor(stock.aspects)
        self._overlays = torch.as_tensor(stock.overlays)
        self._sized_to = 0
        self._others = self._small_pages = self._layers = torch.empty(0)

    def __len__(self) -> int:
        return len(self._pixels)

    def plain(self, chosen: Tensor) -> Tensor:
        """The pictures as they are, levels 0..1."""
        return _levels(self._pixels, chosen)

    def pair(self, chosen: Tensor, side: int, ease: float = 0.0) -> tuple[Tensor, Tensor]:
        """Two views of each chosen picture, (n, 3, side, side) levels 0..1; `side` is a multiple of 32.

        The second ones are hard, but for a share of `ease`.
        """
        return self._mixed(chosen, LIGHT_SHARE, side), self._mixed(chosen, ease, side)

    def _mixed(self, chosen: Tensor, light: float, side: int) -> Tensor:
        """The first of them light, the others hard."""
        easy, hard = chosen[: int(light * len(chosen))], chosen[int(light * len(chosen)) :]
        parts = [self.view(some, chance, side) for some, chance in ((easy, LIGHT), (hard, HARD)) if len(some)]
        return torch.cat(parts)

    def view(self, chosen: Tensor, chance: Chance, side: int) -> Tensor:
        """One view of each."""
        self._size_to(side)
        source = _levels(self._pixels, chosen)
        aspects = self._aspects[chosen]
        others = _levels(self._others, torch.randint(len(self._pixels), (len(chosen),)))
        box, canvas, box_aspect = self._surroundings(others, aspects, chance, side)
        maps = _frames(aspects, box_aspect, chance) @ _into(box)
        seen = _laid(source, maps, canvas)
        seen = self._covered(seen, others, chance)
        return _weathered(seen, chance).clamp(0, 1)

    def _size_to(self, side: int) -> None:
        """What lies around and on top is never looked at closely: it is kept at the size of the views."""
        if side != self._sized_to:
            self._sized_to = side
            self._others, self._small_pages, self._layers = (
                _shrunk(pixels, side) for pixels in (self._pixels, self._pages, self._overlays)
            )

    def _surroundings(
        self, others: Tensor, aspects: Tensor, chance: Chance, side: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Where in the view the picture lies (left, top, right, bottom), what lies around it, and the box's aspect or 0.

        Most fill their view; what then shows at a turned picture's corners is a colour or a blur of another picture.
        """
        count = len(aspects)
        box = torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(count, 1)
        box_aspect = torch.zeros(count)
        canvas = torch.rand(count, 3, 1, 1).expand(-1, -1, side, side).clone()
        plain = torch.rand(count)
        canvas[plain < 0.4] = 0.0
        canvas[plain < 0.2] = 1.0
        blurred = plain > 0.85
        if blurred.any():
            soft = functional.interpolate(functional.avg_pool2d(others[blurred], side // 8), side, mode="bilinear")
            canvas[blurred] = soft
        kind = torch.rand(count) / max(chance.paste, 1e-9)
        on_page, on_other, on_plain = kind < 0.45, (kind >= 0.45) & (kind < 0.8), (kind >= 0.8) & (kind < 1.0)
        if on_page.any():
            page = torch.randint(len(self._pages), (int(on_page.sum()),))
            canvas[on_page], box[on_page] = _levels(self._small_pages, page), self._boxes[page]
            sides = self._boxes[page]
            fit = self._page_aspects[page] * (sides[:, 2] - sides[:, 0]) / (sides[:, 3] - sides[:, 1])
            # A page either cuts the picture to its box or squeezes it in.
            box_aspect[on_page] = torch.where(torch.rand(len(page)) < 0.5, fit, torch.zeros(len(page)))
        if on_other.any():
            canvas[on_other] = others[on_other]
        somewhere = on_other | on_plain
        if somewhere.any():
            box[somewhere] = _boxes(int(somewhere.sum()), aspects[somewhere])
        return box, canvas, box_aspect

    def _covered(self, seen: Tensor, others: Tensor, chance: Chance) -> Tensor:
        """Words, faces, shapes, or a piece of another picture on top."""
        side = seen.shape[3]
        for share in (chance.overlay, 0.3 * chance.overlay):
            on = torch.rand(len(seen)) < share
            count = int(on.sum())
            if not count:
                continue
            layer = _levels(self._layers, torch.randint(len(self._layers), (count,)))
            if torch.rand(()) < 0.5:
                layer = layer.flip(3)
            layer = layer.roll((int(torch.randint(side, ())), int(torch.randint(side, ()))), (2, 3))
            colour, alpha = layer[:, :3], layer[:, 3:]
            seen[on] = colour * alpha + seen[on] * (1 - alpha)
        on = torch.rand(len(seen)) < 0.25 * chance.overlay
        for row in on.nonzero()[:, 0].tolist():
            wide, tall = (int(v) for v in torch.randint(side // 8, side // 2, (2,)))
            left, top = int(torch.randint(side - wide, ())), int(torch.randint(side - tall, ()))
            piece = functional.interpolate(others[row : row + 1], (tall, wide), mode="bilinear", antialias=True)[0]
            part = seen[row, :, top : top + tall, left : left + wide]
            alpha = 0.5 + 0.5 * float(torch.rand(()))
            seen[row, :, top : top + tall, left : left + wide] = alpha * piece + (1 - alpha) * part
        on = torch.rand(len(seen)) < 0.2 * chance.overlay  # another picture shines through all of it
        if on.any():
            alpha = 0.5 + 0.45 * torch.rand(int(on.sum()), 1, 1, 1)
            seen[on] = alpha * seen[on] + (1 - alpha) * others[on]
        return seen


def _levels(pixels: Tensor, chosen: Tensor) -> Tensor:
    """The chosen of (n, h, w, c) uint8 as (m, c, h, w) levels 0..1."""
    return pixels.index_select(0, chosen).permute(0, 3, 1, 2).float().div_(255)


def _shrunk(pixels: Tensor, side: int) -> Tensor:
    """(n, h, w, c) uint8 at another size."""
    parts = [
        functional.interpolate(part.permute(0, 3, 1, 2).float(), side, mode="bilinear", antialias=True)
        for part in pixels.split(256)
    ]
    return torch.cat([part.round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous() for part in parts])


def _boxes(count: int, aspects: Tensor) -> Tensor:
    """Somewhere in the view, a quarter of its side to nearly all of it, about as wide and tall as the picture."""
    size = torch.exp(torch.empty(count).uniform_(math.log(0.25), math.log(0.95)))
    slant = aspects.sqrt() * torch.exp(torch.empty(count).uniform_(-0.3, 0.3))
    wide, tall = (size * slant).clamp(max=0.98), (size / slant).clamp(max=0.98)
    left, top = torch.rand(count) * (1 - wide), torch.rand(count) * (1 - tall)
    return torch.stack([left, top, left + wide, top + tall], 1)


def _into(box: Tensor) -> Tensor:
    """(n, 3, 3): from the view, -1..1, to the box's own -1..1."""
    left, top, right, bottom = (2 * box - 1).unbind(1)
    made = torch.zeros(len(box), 3, 3)
    made[:, 0, 0], made[:, 1, 1], made[:, 2, 2] = 2 / (right - left), 2 / (bottom - top), 1
    made[:, 0, 2], made[:, 1, 2] = -(left + right) / (right - left), -(top + bottom) / (bottom - top)
    return made


def _frames(aspects: Tensor, box_aspect: Tensor, chance: Chance) -> Tensor:
    """(n, 3, 3): from a frame's own -1..1 to the picture's: what part of it is shown, and how it lies."""
    count = len(aspects)

    def drawn(share: float) -> Tensor:
        return (torch.rand(count) < share).float()

    quarter = torch.where(torch.rand(count) < chance.right_angle, torch.randint(1, 4, (count,)), 0)
    quarter = torch.where(torch.rand(count) < chance.upside_down, 2, quarter)
    lying = quarter % 2 == 1
    wide, tall = torch.where(lying, torch.ones(count), aspects), torch.where(lying, aspects, torch.ones(count))
    area = torch.exp(torch.rand(count) * math.log(chance.least_area) * drawn(chance.crop))
    slant = torch.exp(torch.empty(count).uniform_(-0.4, 0.4) * drawn(chance.crop))
    # Where the box has an aspect of its own, the frame takes the largest part of the picture that has it.
    fits = box_aspect > 0
    narrower = fits & (box_aspect < wide / tall)
    wide = torch.where(narrower, tall * box_aspect, wide)
    tall = torch.where(fits & ~narrower, wide / box_aspect.clamp(min=1e-3), tall)
    share_x, share_y = (area.sqrt() * slant).clamp(max=1), (area.sqrt() / slant).clamp(max=1)
    more = 1 + torch.rand(count, 2) * 0.6 * drawn(chance.pad)[:, None]
    half_x, half_y = wide * share_x * more[:, 0], tall * share_y * more[:, 1]
    free_x, free_y = (wide - wide * share_x), (tall - tall * share_y)
    at_x, at_y = (2 * torch.rand(count) - 1) * free_x, (2 * torch.rand(count) - 1) * free_y

    angle = torch.empty(count).uniform_(-math.pi / 4, math.pi / 4) * drawn(chance.turn)
    # Half of the turned ones are cut so far that no corner shows.
    inner = 1 / (angle.abs().cos() + angle.abs().sin() * torch.maximum(wide / tall, tall / wide))
    inside = torch.where(torch.rand(count) < 0.5, inner, torch.ones(count))
    half_x, half_y = half_x * inside, half_y * inside

    zero, one = torch.zeros(count), torch.ones(count)
    mirror = torch.where(torch.rand(count) < 0.5, -one, one)
    lean = drawn(chance.lean)
    shear_x, shear_y = (torch.empty(count).uniform_(-0.3, 0.3) * lean for _ in range(2))
    far_x, far_y = (torch.empty(count).uniform_(-0.22, 0.22) * lean for _ in range(2))
    bent = _matrix([[one, shear_x, zero], [shear_y, one, zero], [far_x, far_y, one]])
    sized = _matrix([[half_x * mirror, zero, zero], [zero, half_y, zero], [zero, zero, one]])
    turned = _matrix([[angle.cos(), -angle.sin(), at_x], [angle.sin(), angle.cos(), at_y], [zero, zero, one]])
    right = quarter.float() * (math.pi / 2)
    stood = _matrix([[right.cos(), -right.sin(), zero], [right.sin(), right.cos(), zero], [zero, zero, one]])
    squeezed = _matrix([[1 / aspects, zero, zero], [zero, one, zero], [zero, zero, one]])
    return squeezed @ stood @ turned @ sized @ bent


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def _laid(source: Tensor, maps: Tensor, canvas: Tensor) -> Tensor:
    """The source seen through each map, with the canvas where it does not reach. Shrunk pictures are averaged first."""
    side = canvas.shape[3]
    line = (torch.arange(side) + 0.5) * (2 / side) - 1
    there = torch.stack([line.repeat(side), line.repeat_interleave(side), torch.ones(side * side)])
    mapped = maps @ there
    # A point behind the eye, where a strong perspective would wrap around, shows the canvas.
    depth = mapped[:, 2].clamp(min=0.2)
    grid = (mapped[:, :2] / depth[:, None]).permute(0, 2, 1).reshape(-1, side, side, 2)
    inside = (grid.abs().amax(3) <= 1) & (mapped[:, 2].reshape(-1, side, side) > 0.2)
    shrink = torch.linalg.det(maps[:, :2, :2]).abs().sqrt() * (source.shape[2] / side)
    out = canvas.clone()
    for level, (least, most) in enumerate(((0.0, 1.6), (1.6, 3.2), (3.2, math.inf))):
        on = (shrink >= least) & (shrink < most)
        if not on.any():
            continue
        averaged = functional.avg_pool2d(source[on], 2**level) if level else source[on]
        seen = functional.grid_sample(averaged, grid[on], mode="bilinear", padding_mode="border", align_corners=False)
        out[on] = torch.where(inside[on][:, None], seen, canvas[on])
    return out


def _weathered(seen: Tensor, chance: Chance) -> Tensor:
    """Light, colour, sharpness, grain."""
    count, side = len(seen), seen.shape[3]

    def drawn(share: float) -> Tensor:
        return torch.rand(count) < share * chance.grain

    def spread(low: float, high: float, on: Tensor, plain: float) -> Tensor:
        return torch.where(on, torch.empty(count).uniform_(low, high), torch.full((count,), plain)).view(-1, 1, 1, 1)

    seen = _lit(seen, drawn, spread)
    soft = drawn(0.3)
    if soft.any():
        seen[soft] = _blurred(seen[soft])
    sharp = drawn(0.12)
    if sharp.any():
        some = seen[sharp]
        smooth = functional.avg_pool2d(functional.pad(some, (1, 1, 1, 1), mode="replicate"), 3, 1)
        seen[sharp] = some + (some - smooth) * torch.empty(len(some), 1, 1, 1).uniform_(0.5, 3)
    coarse = drawn(0.12)
    if coarse.any():
        cells = (12, 16, 24, 32, 48)[int(torch.randint(5, ()))]
        seen[coarse] = functional.interpolate(functional.adaptive_avg_pool2d(seen[coarse], cells), seen.shape[3])
    noisy = drawn(0.25)
    if noisy.any():
        some = seen[noisy]
        # Noise of a picture of 500 pixels, as much of it as is left once the picture is this small.
        left = side / 500
        seen[noisy] = some + left * torch.randn_like(some) * torch.empty(len(some), 1, 1, 1).uniform_(0.02, 0.5)
    mixed = drawn(0.1)
    if mixed.any():
        seen[mixed] = _shuffled(seen[mixed])
    saved = drawn(0.12)
    if saved.any():
        seen[saved] = _compressed(seen[saved].clamp(0, 1))
    return seen


def _lit(
    seen: Tensor, drawn: Callable[[float], Tensor], spread: Callable[[float, float, Tensor, float], Tensor]
) -> Tensor:
    """Brightness, contrast, colour."""
    colour = drawn(0.6)
    seen = seen * spread(0.4, 1.7, colour, 1.0)
    middle = (seen * _GREY.to(seen.device)).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    seen = middle + (seen - middle) * spread(0.4, 1.8, drawn(0.5), 1.0)
    grey = (seen * _GREY.to(seen.device)).sum(1, keepdim=True)
    amount = spread(0.0, 2.2, colour, 1.0)
    amount = torch.where(drawn(0.15).view(-1, 1, 1, 1), torch.zeros(()), amount)
    seen = grey + (seen - grey) * amount
    tint = drawn(0.2)
    if tint.any():
        seen[tint] = seen[tint] * torch.empty(int(tint.sum()), 3, 1, 1).uniform_(0.5, 1.4)
    swapped = drawn(0.06)
    if swapped.any():
        seen[swapped] = seen[swapped][:, torch.randperm(3)]
    return seen.clamp(0, 1)


def _blurred(seen: Tensor) -> Tensor:
    """Gaussian, each picture with its own width of up to a thirtieth of its side."""
    count, channels, side, _ = seen.shape
    reach = side // 12
    width = torch.exp(torch.empty(count, 1).uniform_(math.log(0.4), math.log(side / 30)))
    kernel = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * width**2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = seen.reshape(1, count * channels, side, side)
    padded = functional.pad(flat, (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(padded, kernel[:, None, None, :], groups=count * channels)
    return functional.conv2d(across, kernel[:, None, :, None], groups=count * channels).reshape(seen.shape)


def _shuffled(seen: Tensor) -> Tensor:
    """A share of the pixels change places with others of their picture."""
    flat = seen.flatten(2)
    share = torch.empty(len(seen), 1, 1).uniform_(0.05, 0.35)
    elsewhere = flat[:, :, torch.randperm(flat.shape[2])]
    return torch.where(torch.rand(len(seen), 1, flat.shape[2]) < share, elsewhere, flat).reshape(seen.shape)


_STEPS = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).float()
"""JPEG's luminance table (ITU-T T.81, annex K)."""
_COSINES = torch.tensor(
    [
        [math.sqrt((1 if row == 0 else 2) / 8) * math.cos(math.pi * (2 * at + 1) * row / 16) for at in range(8)]
        for row in range(8)
    ]
)


def _compressed(seen: Tensor) -> Tensor:
    """Each channel's 8x8 blocks rounded as JPEG rounds them, at qualities of 20 to 70."""
    count, channels, side, _ = seen.shape
    blocks = seen.reshape(count, channels, side // 8, 8, side // 8, 8).permute(0, 1, 2, 4, 3, 5) * 255
    quality = torch.empty(count, 1, 1, 1, 1, 1).uniform_(20, 70)
    cosines = _COSINES.to(seen.device)
    steps = (_STEPS.to(seen.device) * (50 / quality)).clamp(min=1)
    rounded = torch.round(cosines @ blocks @ cosines.T / steps) * steps
    back = (cosines.T @ rounded @ cosines).permute(0, 1, 2, 4, 3, 5).reshape(seen.shape)
    return (back / 255).clamp(0, 1)
