"""The page that `keepone dedupe --html` writes: the sets, with their pictures side by side. One file, nothing fetched."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

from service.domain.errors import KeeponeError
from service.pictures import thumbnails
from service.workflows.findings import printable
from service.workflows.removal_finding import EQUAL_PIXELS

if TYPE_CHECKING:
    from pathlib import Path

    from service.pictures.pool import DecodePool
    from service.workflows.folder_plan import FolderPlan, FolderQuestion
    from service.workflows.folder_scan import Scanned

_SIDE = 220
_MOST_SETS = 500
"""With more the page would be heavier than people can look through; the table has all of them."""

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#222;background:#fafafa}
section{display:flex;gap:1rem;flex-wrap:wrap;padding:1rem;margin:1rem 0;background:#fff;border:1px solid #ddd}
figure{margin:0;width:220px}
img{display:block;width:220px;height:165px;object-fit:contain;background:#eee}
figcaption{font-size:12px;overflow-wrap:anywhere}
.keeps img{outline:3px solid #2a7}
"""


def write_report(path: Path, question: FolderQuestion, plan: FolderPlan, pool: DecodePool) -> None:
    """Write the page. Raises OSError."""
    root = question.scope.root
    parts = [
        "<!doctype html><meta charset=utf-8><title>Duplicates</title>",
        f"<style>{_STYLE}</style><h1>{html.escape(question.as_json()['shown'])}</h1>",
        f"<p>{plan.summary()}, by {question.matcher}. Framed in green: what stays.</p>",
    ]
    items = iter(plan.removal.items)
    for one in plan.sets[:_MOST_SETS]:
        figures = [_figure(root, plan.pictures[one.keeper], "stays", pool, kind=" class=keeps")]
        for (loser, agreed), item in zip(one.losers, items, strict=False):
            how = "same pixels" if agreed == EQUAL_PIXELS else f"agreement {agreed:.3g}"
            figures.append(_figure(root, plan.pictures[loser], how, pool, why="; ".join(item.why["reasons"])))
        parts.append(f"<section>{''.join(figures)}</section>")
    if len(plan.sets) > _MOST_SETS:
        parts.append(f"<p>and {len(plan.sets) - _MOST_SETS:,} more sets</p>")
    if plan.doubtful:
        parts.append("<h2>Left for you to look at</h2><p>They agree, and yet neither goes.</p>")
    for pair in plan.doubtful[:_MOST_SETS]:
        figures = [_figure(root, plan.pictures[number], "stays", pool) for number in (pair.one, pair.other)]
        parts.append(f"<section>{''.join(figures)}<p>{html.escape(pair.why)}</p></section>")
    if len(plan.doubtful) > _MOST_SETS:
        parts.append(f"<p>and {len(plan.doubtful) - _MOST_SETS:,} more pairs</p>")
    if plan.passed_over:
        listed = "".join(
            f"<li>{html.escape(printable(it.name))}: {html.escape(it.reason)}</li>" for it in plan.passed_over
        )
        parts.append(f"<h2>Passed over</h2><ul>{listed}</ul>")
    path.write_text("".join(parts), encoding="utf-8")


def _figure(root: Path, one: Scanned, how: str, pool: DecodePool, *, kind: str = "", why: str = "") -> str:
    facts = one.assessed.facts
    said = f"{facts.width} x {facts.height}, {facts.bytes:,} bytes, {facts.format}"
    told = f"<br>beside it, what stays: {html.escape(why)}" if why else ""
    caption = f"<b>{html.escape(printable(one.name))}</b><br>{html.escape(how)}<br>{said}{told}"
    return f"<figure{kind}>{_picture(root / one.name, pool)}<figcaption>{caption}</figcaption></figure>"


def _picture(path: Path, pool: DecodePool) -> str:
    """Decoded once more: no page was asked for when the folder was looked through, and few pictures are in a set."""
    try:
        with pool.decode(path.read_bytes(), wait_s=None) as decoded:
            shown = base64.b64encode(thumbnails.encode(decoded.working, side=_SIDE)).decode()
    except (KeeponeError, OSError) as error:
        return f"<p>{html.escape(str(error))}</p>"
    return f'<img alt="" src="data:image/jpeg;base64,{shown}">'
