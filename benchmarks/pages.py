"""Pages made from a seed, and what Chromium shows of them: screenshots whose truth is known.

Articles, chats, tables, code, dashboards, shops and feeds, light and dark, at the sizes of phones and desktops. Shops
and feeds show photographs, so that a page may be half a photograph.
"""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

VIEWS = ((390, 844), (412, 732), (768, 1024), (1024, 640), (1280, 720))
TEXT = (
    "harbour light report meadow invoice quarter train signal paper garden update window river market launch system "
    "answer morning street festival engine letter summer evening record bridge station weather budget copy"
)
WORDS = TEXT.split()
LIGHT = (("#ffffff", "#1b1b1f", "#e7e9ee"), ("#f5f3ee", "#28231d", "#ddd6c8"), ("#eef3f8", "#10243a", "#cfdce9"))
DARK = (("#121212", "#e8e8e8", "#2a2a2a"), ("#0d1b2a", "#dfe7ef", "#1b3148"))
FONTS = ("sans-serif", "serif", "monospace", "system-ui")


def screenshots(
    count: int, photographs: Sequence[Path], seed: int, chromium: str = "/usr/bin/chromium"
) -> Iterator[bytes]:
    """PNG files, one a page."""
    chance = random.Random(seed)  # noqa: S311 - pages, not secrets
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        for _ in range(count):
            width, height = chance.choice(VIEWS)
            page.set_viewport_size({"width": width, "height": height})
            page.set_content(made_page(chance, photographs))
            yield page.screenshot(type="png")
        browser.close()


def made_page(chance: random.Random, photographs: Sequence[Path]) -> str:
    back, ink, edge = chance.choice(DARK if chance.random() < 0.3 else LIGHT)
    style = (
        f"body{{margin:{chance.randint(0, 24)}px;background:{back};color:{ink};"
        f"font:{chance.randint(12, 19)}px/{chance.choice((1.3, 1.5, 1.7))} {chance.choice(FONTS)}}}"
        f".box{{border:1px solid {edge};background:{edge}55;padding:10px;margin:8px;"
        f"border-radius:{chance.randint(0, 14)}px}}"
        f"header{{background:{_colour(chance)};color:#fff;padding:12px}}"
        f"td,th{{border:1px solid {edge};padding:4px 8px}}img{{max-width:100%;display:block}}"
    )
    kind = chance.choice((_article, _chat, _table, _code, _dashboard, _shop, _feed))
    header = f"<header>{_said(chance, 3)}</header>" if chance.random() < 0.7 else ""
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{header}{kind(chance, photographs)}"


def _article(chance: random.Random, photographs: Sequence[Path]) -> str:
    paragraphs = "".join(f"<p>{_said(chance, chance.randint(20, 90))}.</p>" for _ in range(chance.randint(2, 9)))
    picture = _photo(chance, photographs, "60%") if chance.random() < 0.3 else ""
    return f"<h1>{_said(chance, 6)}</h1>{picture}{paragraphs}"


def _chat(chance: random.Random, _: Sequence[Path]) -> str:
    mine = _colour(chance)
    return "".join(
        f"<div style='text-align:{side}'><span class=box style='display:inline-block;{paint}'>{_said(chance, n)}</span>"
        "</div>"
        for side, paint, n in (
            chance.choice((("left", "", 9), ("right", f"background:{mine};color:#fff", 6))) for _ in range(22)
        )
    )


def _table(chance: random.Random, _: Sequence[Path]) -> str:
    columns = chance.randint(3, 8)
    rows = "".join(
        "<tr>" + "".join(f"<td>{chance.randint(0, 9999) / 10}</td>" for _ in range(columns)) + "</tr>"
        for _ in range(40)
    )
    head = "".join(f"<th>{_said(chance, 1)}</th>" for _ in range(columns))
    return f"<table style='border-collapse:collapse;width:100%'><tr>{head}</tr>{rows}</table>"


def _code(chance: random.Random, _: Sequence[Path]) -> str:
    lines = (
        f"{'&nbsp;' * 4 * chance.randint(0, 4)}<span style='color:{_colour(chance)}'>{chance.choice(WORDS)}</span>"
        f"({_said(chance, chance.randint(1, 4))})"
        for _ in range(45)
    )
    return f"<div style='font-family:monospace'>{'<br>'.join(lines)}</div>"


def _dashboard(chance: random.Random, _: Sequence[Path]) -> str:
    def chart() -> str:
        bars = "".join(
            f"<rect x={12 * n} y={100 - h} width=9 height={h} fill='{_colour(chance)}'/>"
            for n, h in enumerate(chance.choices(range(10, 100), k=18))
        )
        drawn = f"<svg width=216 height=100>{bars}</svg>"
        return f"<div class=box style='display:inline-block'><b>{_said(chance, 2)}</b><br>{drawn}</div>"

    return "".join(chart() for _ in range(chance.randint(4, 12)))


def _shop(chance: random.Random, photographs: Sequence[Path]) -> str:
    wide = chance.randint(2, 4)
    items = (
        f"<div class=box>{_photo(chance, photographs, '100%')}<b>{_said(chance, 3)}</b><br>{chance.randint(3, 99)}.90</div>"
        for _ in range(wide * 3)
    )
    return f"<div style='display:grid;grid-template-columns:repeat({wide},1fr)'>{''.join(items)}</div>"


def _feed(chance: random.Random, photographs: Sequence[Path]) -> str:
    posts = (
        f"<div class=box><b>{_said(chance, 2)}</b><p>{_said(chance, chance.randint(4, 30))}</p>"
        f"{_photo(chance, photographs, '100%')}</div>"
        for _ in range(3)
    )
    return f"<div style='max-width:640px;margin:auto'>{''.join(posts)}</div>"


def _photo(chance: random.Random, photographs: Sequence[Path], width: str) -> str:
    data = base64.b64encode(chance.choice(photographs).read_bytes()).decode()
    return f"<img style='width:{width}' src='data:image/jpeg;base64,{data}'>"


def _said(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count)).capitalize()


def _colour(chance: random.Random) -> str:
    return f"hsl({chance.randint(0, 359)} {chance.randint(30, 80)}% {chance.randint(25, 60)}%)"
