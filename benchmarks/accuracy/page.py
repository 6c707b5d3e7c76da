"""The results as a page people can read: `python -m benchmarks.accuracy.page` writes docs/reference/accuracy.md and its
plots from `benchmarks/results/accuracy.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks" / "results" / "accuracy.json"
PAGE = ROOT / "docs" / "reference" / "accuracy.md"
SETS = {"report/photos": "photographs as references", "report/small": "small references, as large as the distractors"}
KINDS = {"single": "one edit", "chain": "two to four edits"}
SERVICE = "Keepone, end to end"
WIDE, LINE, LEFT = 640, 18, 230
COLOURS = ("#2563eb", "#d97706")


def main() -> None:
    results = json.loads(RESULT.read_text(encoding="utf-8"))
    PAGE.write_text(page(results), encoding="utf-8")
    for name, drawn in plots(results).items():
        PAGE.with_name(name).write_text(drawn, encoding="utf-8")


def page(results: Mapping[str, Any]) -> str:
    """Markdown, one chapter for each set."""
    text = [HEAD]
    for key, what in SETS.items():
        section = results.get(key)
        if section:
            text.extend(chapter(what, section))
            if "end_to_end" in section:
                text.append(f"![Recall of each edit]({plot_name(key)})\n")
    return "\n".join(text)


HEAD = """# Accuracy

Written by `make bench-accuracy`; every number is in `benchmarks/results/accuracy.json`, with its bounds. What the sets are
and how they were made: `benchmarks/accuracy`. Thresholds and networks were chosen on another half of the photographs.
In brackets: the 95 % bounds.
"""


def chapter(what: str, section: Mapping[str, Any]) -> list[str]:
    of = section["set"]
    asked = ", ".join(f"{count:,} {KINDS.get(kind, 'that match nothing')}" for kind, count in of["queries"].items())
    gallery = (
        f"{of['references']} references among {of['distractors']:,} distractors; queries: {asked}; seed {of['seed']}"
    )
    text = [f"## {what[0].upper()}{what[1:]}\n", f"{gallery}.\n"]
    if "end_to_end" in section:
        text.extend(end_to_end(section["end_to_end"], "The service itself"))
    if "quick_batch" in section:
        text.extend(end_to_end(section["quick_batch"], "As a quick batch"))
    rows = {**section.get("first_stage", {}), **section.get("hashes", {})}
    if rows:
        text.extend(descriptors(rows))
    if section.get("folder_tools"):
        text.extend(programs(section["folder_tools"]))
    if section.get("stirmark"):
        text.extend(stirmark(section["stirmark"]))
    if "bursts" in section:
        text.extend(films(section["bursts"]))
    return text


def end_to_end(told: Mapping[str, Any], what: str) -> list[str]:
    text = [f"### {what}\n\n{told['model']}, {told['candidates']} candidates.\n"]
    text.extend(
        table(
            (
                "",
                "uAP",
                "listed",
                "recall at precision 99.9 %",
                "called duplicate",
                "edits right",
                "direction right",
                "crop IoU",
            ),
            (
                (
                    KINDS[kind],
                    f"{of['uap']:.3f} ({bounds(of['uap_95'])})",
                    share(of["listed"]) if "listed" in of else "",
                    share(of["recall_at_p99.9"]),
                    share(of["duplicate_balanced"]),
                    share(of["edits_right"]),
                    share(of["direction_right"]),
                    number(of["crop_iou"]["median"]),
                )
                for kind, of in ((kind, told[kind]) for kind in KINDS)
            ),
        )
    )
    text.extend(
        table(
            ("operating point", "strangers called a duplicate", "at most (95 %)"),
            (
                (point, f"{of['false']} of {of['n']:,}", f"{of['at_most_95']:.2%}")
                for point, of in told["false_duplicates"].items()
            ),
        )
    )
    text.append(
        "Times as this run had them, beside whatever else the machine did; `api.json` has those of a quiet one.\n"
    )
    steps = told["timings_ms"]
    text.extend(table(("ms", *steps), ((p, *(str(steps[step][p]) for step in steps)) for p in ("p50", "p95"))))
    return text


def descriptors(rows: Mapping[str, Any]) -> list[str]:
    columns = ("recall@1", "recall@12", "recall@20", "recall@100", "uap")
    return [
        "### Descriptors and hashes alone\n",
        *table(
            ("", "ms a picture", *(f"{kind}: {name}" for kind in ("single", "chain") for name in columns)),
            (
                (
                    name,
                    f"{of['gallery_cpu_ms']:.1f}",
                    *(
                        number(of[kind][column]) if column == "uap" else number(of[kind][column]["value"])
                        for kind in ("single", "chain")
                        for column in columns
                    ),
                )
                for name, of in rows.items()
            ),
        ),
    ]


def programs(rows: Mapping[str, Any]) -> list[str]:
    return [
        "### Other programs, on the same folder\n",
        *table(
            ("", "seconds", "one edit found", "chain found", "strangers matched", "false pairs"),
            (
                (
                    f"{name} {of.get('version', '')}".strip(),
                    number(of.get("seconds")),
                    share(of["single"]["found"]),
                    share(of["chain"]["found"]),
                    share(of["strangers_matched"]),
                    f"{of['false_pairs']:,} of {of['pairs']:,}",
                )
                for name, of in rows.items()
                if "single" in of
            ),
        ),
    ]


def stirmark(rows: Mapping[str, Any]) -> list[str]:
    names = [name for name in next(iter(rows.values())) if name != "depth"]
    depth = next(iter(rows.values()))["depth"]
    return [
        f"### StirMark 4, recall among the first {depth}\n",
        *table(("attack", *rows), ((name, *(number(of[name]["value"]) for of in rows.values())) for name in names)),
    ]


def films(told: Mapping[str, Any]) -> list[str]:
    pairs = (("neighbouring", told["neighbours_called_duplicate"]), ("all others", told["others_called_duplicate"]))
    rows = ((name, f"{of['n']:,}", share(of)) for name, of in pairs)
    return ["### Frames of films\n", *table(("pairs of frames", "n", "called duplicates"), rows)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return ["\n".join(lines) + "\n"]


def share(of: Mapping[str, Any]) -> str:
    return "none asked" if of["value"] is None else f"{of['value']:.3f} ({bounds(of['bounds_95'])})"


def bounds(of: Sequence[float]) -> str:
    return f"{of[0]:.3f} to {of[1]:.3f}"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def plot_name(key: str) -> str:
    return f"accuracy-{key.replace('/', '-')}.svg"


def plots(results: Mapping[str, Any]) -> dict[str, str]:
    """By file name: each edit's recall, end to end beside what the first stage could give."""
    drawn = {}
    for key in SETS:
        section = results.get(key, {})
        if "end_to_end" not in section:
            continue
        series = {SERVICE: section["end_to_end"]["per_transform"]}
        if "first_stage" in section:
            name, of = next(iter(section["first_stage"].items()))
            series[f"{name}, among the first {of['per_transform']['depth']}"] = of["per_transform"]
        drawn[plot_name(key)] = bars(series)
    return drawn


def bars(series: Mapping[str, Mapping[str, Any]]) -> str:
    """An SVG of horizontal bars, a group for each edit."""
    names = [
        name for name, of in next(iter(series.values())).items() if isinstance(of, dict) and of["value"] is not None
    ]
    group = LINE * len(series) + 8
    tall = 40 + LINE * len(series) + group * len(names)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{tall}" fill="white"/>',
    ]
    for row, (name, colour) in enumerate(zip(series, COLOURS, strict=False)):
        y = 16 + LINE * row
        out.append(
            f'<rect x="10" y="{y - 10}" width="12" height="12" fill="{colour}"/><text x="28" y="{y}">{name}</text>'
        )
    first = 30 + LINE * len(series)
    room = WIDE - LEFT - 60
    for at, name in enumerate(names):
        y = first + at * group
        out.append(f'<text x="{LEFT - 8}" y="{y + group / 2}" text-anchor="end">{name}</text>')
        for row, (of, colour) in enumerate(zip(series.values(), COLOURS, strict=False)):
            value, top = of[name]["value"], y + LINE * row
            wide = room * value
            out.append(f'<rect x="{LEFT}" y="{top}" width="{wide:.1f}" height="{LINE - 4}" fill="{colour}"/>')
            out.append(f'<text x="{LEFT + wide + 6:.1f}" y="{top + 11}">{value:.2f}</text>')
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    main()
