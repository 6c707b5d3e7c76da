"""Made documents of one template: alike as a whole, and never copies of one another.

Invoices, forms, identity cards, chats and product labels, drawn from a seed. Pictures of one `template` share every
line but what a person would have filled in, which comes from `rng`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

Rng = np.random.Generator
WORDS = ("alder", "basin", "cobalt", "dune", "ember", "fjord", "grove", "heron", "inlet", "jetty", "kiln", "ledge")


def phrase(rng: Rng, count: int) -> str:
    return " ".join(WORDS[int(number)].capitalize() for number in rng.integers(0, len(WORDS), count))


def colour(rng: Rng, low: int, high: int) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in rng.integers(low, high, 3))
    return red, green, blue


class Sheet:
    """A page to write and draw on."""

    def __init__(self, width: int, height: int, paper: tuple[int, int, int] = (255, 255, 255)) -> None:
        self.picture = Image.new("RGB", (width, height), paper)
        self.pen = ImageDraw.Draw(self.picture)

    def write(self, x: int, y: int, text: str, size: int, ink: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.pen.text((x, y), text, font=ImageFont.load_default(size=size), fill=ink)

    def box(self, x: int, y: int, width: int, height: int, fill: tuple[int, int, int]) -> None:
        self.pen.rectangle((x, y, x + width, y + height), fill=fill)


def invoice(rng: Rng, template: Rng) -> Image.Image:
    page = Sheet(1240, 1754)
    page.box(0, 0, 1240, 160, colour(template, 20, 140))
    page.write(60, 50, phrase(template, 2), 60, (255, 255, 255))
    page.write(900, 200, f"Invoice {rng.integers(10_000, 99_999)}", 36)
    for line in range(4):
        page.write(60, 240 + 40 * line, phrase(rng, 2), 30)
    page.box(60, 460, 1120, 50, (220, 220, 220))
    page.write(70, 468, "Item            Quantity        Price       Total", 30)
    for row in range(int(rng.integers(4, 14))):
        y = 530 + 60 * row
        page.write(70, y, phrase(rng, 2), 28)
        page.write(560, y, str(rng.integers(1, 90)), 28)
        page.write(980, y, f"{rng.integers(100, 9_000)}.00", 28)
        page.box(60, y + 48, 1120, 1, (200, 200, 200))
    page.write(820, 1450, f"Total {rng.integers(1_000, 99_999)}.00", 40)
    page.write(60, 1660, phrase(template, 8), 24, (90, 90, 90))
    return page.picture


def form(rng: Rng, template: Rng) -> Image.Image:
    page = Sheet(1000, 1300)
    page.write(60, 40, phrase(template, 3), 44)
    for line in range(12):
        y = 140 + 90 * line
        page.write(60, y, f"{phrase(template, 1)}:", 28)
        page.pen.rectangle((320, y - 8, 940, y + 44), outline=(0, 0, 0), width=2)
        page.write(332, y, phrase(rng, 2), 28, (20, 20, 120))
    return page.picture


def identity_card(rng: Rng, template: Rng) -> Image.Image:
    page = Sheet(1000, 630, colour(template, 170, 235))
    page.box(0, 0, 1000, 110, colour(template, 20, 120))
    page.write(40, 25, phrase(template, 2), 52, (255, 255, 255))
    page.box(50, 160, 280, 380, (200, 210, 220))
    page.pen.ellipse((110, 210, 270, 410), fill=colour(rng, 110, 230))
    page.box(90, 420, 200, 120, colour(rng, 0, 200))
    for line in range(5):
        page.write(380, 170 + 76 * line, phrase(template, 1), 24, (90, 90, 90))
        page.write(380, 200 + 76 * line, phrase(rng, 2), 34)
    return page.picture


def chat(rng: Rng, template: Rng) -> Image.Image:
    page = Sheet(720, 1280, (236, 229, 221))
    page.box(0, 0, 720, 100, (7, 94, 84))
    page.write(90, 30, phrase(template, 2), 36, (255, 255, 255))
    y = 130
    while y < 1150:
        mine = bool(rng.random() < 0.5)
        width, height = int(rng.integers(200, 520)), int(rng.integers(60, 140))
        left = 700 - width if mine else 20
        page.pen.rounded_rectangle(
            (left, y, left + width, y + height), 16, fill=(220, 248, 198) if mine else (255, 255, 255)
        )
        page.write(left + 14, y + 14, phrase(rng, 3), 24)
        y += height + 18
    return page.picture


def label(rng: Rng, template: Rng) -> Image.Image:
    page = Sheet(900, 900)
    page.pen.rounded_rectangle((280, 120, 620, 800), 60, fill=colour(template, 60, 220))
    page.box(350, 60, 200, 80, (60, 60, 60))
    page.box(300, 320, 300, 300, (255, 255, 255))
    page.write(320, 360, phrase(rng, 1), 44, colour(rng, 0, 160))
    page.write(320, 440, phrase(rng, 2), 26)
    page.write(320, 500, f"{rng.integers(1, 99)} ml", 40)
    return page.picture


KINDS: dict[str, Callable[[Rng, Rng], Image.Image]] = {
    "invoice": invoice,
    "form": form,
    "identity card": identity_card,
    "chat": chat,
    "label": label,
}


def documents(kind: str, template: int, count: int) -> list[Image.Image]:
    """So many different documents of one template."""
    return [
        KINDS[kind](np.random.default_rng([template, number]), np.random.default_rng([template, 10_000]))
        for number in range(count)
    ]
