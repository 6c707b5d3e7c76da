"""`keepone dedupe FOLDER`: what could go from a folder, and, when asked for, sets it aside. Needs no running service."""

from __future__ import annotations

import csv
import json
import re
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from service import wiring
from service.cli import options
from service.cli.check import FAILED, FOUND, NONE_FOUND
from service.cli.dedupe_report import write_report
from service.cli.outputs import over_no_picture
from service.cli.progress import steps
from service.compare import scene
from service.domain.likeness import OPPOSITE, Distance
from service.domain.values import OperatingPoint
from service.settings import load_settings
from service.workflows import criteria, file_removal, further_models
from service.workflows.brakes import check_confirmed, occasion
from service.workflows.criteria import BUILTIN, CRITERIA, SIMILAR, parameters_of
from service.workflows.findings import encodable, printable
from service.workflows.folder_plan import FolderPlan, FolderQuestion, plan_folder
from service.workflows.folder_root import bound
from service.workflows.folder_scan import CAMERA, Scope
from service.workflows.matchers import APPEARANCE_THRESHOLD, HASH_MAX_DISTANCE
from service.workflows.removal_finding import EQUAL_PIXELS, Keep

if TYPE_CHECKING:
    from index_store.removal_records import RemovalItem, RemovalRecord
    from index_store.trees.linking import Link
    from service.settings import Settings

_TOLD = 20
"""Sets and files that are listed for people; `--json` and `--csv` list all."""
_WORDS = {"planned": "could go", "removed": "gone"}
COLUMNS = ("set", "keeps", "goes", "agreement", "bytes", "reasons")


@click.command("dedupe")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--matcher",
    metavar="CRITERION",
    default="appearance",
    show_default=True,
    help=f"{', '.join(CRITERIA)}, or {SIMILAR}<space> of a further space that is set.",
)
@click.option("--threshold", type=click.FloatRange(0, 1000), help="For appearance; needed for similar:builtin.")
@click.option("--metric", type=click.Choice([choice.value for choice in Distance]), help="For similar:….")
@click.option(
    "--operating-point", type=click.Choice([point.value for point in OperatingPoint]), help="For copy: how sure it is."
)
@click.option("--max-distance", type=click.IntRange(0, 256), default=HASH_MAX_DISTANCE, help="For hash: of 256 bits.")
@click.option("--working-width", type=click.IntRange(16, 4096), default=scene.WORKING_WIDTH, help="For scene_change.")
@click.option("--min-contour-area", type=click.FloatRange(0), default=scene.MIN_CONTOUR_AREA, help="For scene_change.")
@click.option("--max-change", type=click.FloatRange(0), default=scene.MAX_CHANGE, help="For scene_change: pixels.")
@click.option("--cameras", default=None, help=f"What a camera is called in names; scene_change looks for {CAMERA}.")
@click.option("--keep", type=click.Choice([choice.value for choice in Keep]), default="best", show_default=True)
@click.option("--apply", "apply_it", is_flag=True, help="Set the duplicates aside; otherwise nothing is touched.")
@click.option("--confirm", default="", help="The word that is asked for before a large part of a folder goes.")
@click.option("--backup", type=click.Path(path_type=Path, file_okay=False), help="Where they are set aside.")
@click.option("--link", type=click.Choice(["hard", "symbolic"]), help="Leave a link to the one that stays.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a table.")
@click.option(
    "--html", "html_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with pictures."
)
@options.as_json
@options.data
def command(
    folder: Path,
    matcher: str,
    keep: str,
    cameras: str | None,
    confirm: str,
    backup: Path | None,
    link: Link | None,
    csv_file: Path | None,
    html_file: Path | None,
    data: Path | None,
    *,
    apply_it: bool,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Find the duplicates in a folder and all below it. A dry run, unless --apply is given; undo with `removals undo`."""
    settings = load_settings(data=data)
    criteria_here = (*CRITERIA, *(f"{SIMILAR}{name}" for name in settings.further_spaces))
    if matcher not in criteria_here:
        there = ", ".join(criteria_here)
        raise click.BadParameter(f"{matcher!r} is none of {there}", param_hint="--matcher")
    own = _own(matcher, parameters)
    over_no_picture(csv_file, "--csv")
    over_no_picture(html_file, "--html")
    sight = partial(further_models.sight, settings)
    scope = Scope(folder.resolve(), _pattern(cameras, matcher))
    question = FolderQuestion(scope, matcher, own, Keep(keep), link, wiring.policy_of(settings))
    aside = (backup or settings.data / "trash").resolve()
    if backup and aside.is_relative_to(question.scope.root):
        raise click.UsageError(f"{aside} lies in the folder itself")
    with (
        wiring.decoders(settings, at_once=False) as pool,  # a crew has its own
        steps() as progress,
        further_models.opened(settings, matcher.removeprefix(SIMILAR)) as further,
        closing(criteria.criterion(matcher, own, further, sight)) as criterion,
    ):
        plan = plan_folder(
            question,
            criterion,
            pool,
            progress,
            max_bytes=settings.max_bytes,
            aside=aside,
            own=settings.own_folders,
            crew=wiring.crew(settings),
        )
        if cameras is not None and plan.pictures and not any(one.group for one in plan.pictures):
            raise click.UsageError(f"no name tells of a camera like {cameras!r}")
        if html_file:
            write_report(html_file, question, plan, pool)
    if csv_file:
        _write_table(csv_file, plan)
    applied = _applied(plan, settings, confirm) if apply_it and plan.going else None
    if as_json:
        click.echo(json.dumps(_as_json(question, plan, applied), ensure_ascii=False))
    else:
        _tell(plan, applied)
    stayed = applied is not None and any(item.state != "removed" for item in applied.items)
    sys.exit(FAILED if stayed else FOUND if plan.going else NONE_FOUND)


@dataclass(frozen=True, slots=True)
class _Applied:
    """A removal as it came out."""

    record: RemovalRecord
    items: tuple[RemovalItem, ...]


def _own(matcher: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The matcher's own parameters; those that were not given are at its defaults. Raises UsageError."""
    _refuse_anothers(matcher, parameters)
    threshold = parameters["threshold"]
    if matcher == BUILTIN and threshold is None:
        raise click.UsageError(f"--threshold is needed for {matcher}: what is near enough differs from space to space")
    is_similarity = matcher.startswith(SIMILAR) and parameters["metric"] in {None, Distance.COSINE}
    if is_similarity and threshold is not None and not threshold > 0:
        raise click.UsageError("--threshold must be more than 0: a similarity of 0 is reached by nearly all pictures")
    is_of_length_1 = matcher == BUILTIN or parameters["metric"] != Distance.EUCLIDEAN
    if matcher.startswith(SIMILAR) and threshold is not None and is_of_length_1 and threshold > OPPOSITE:
        raise click.UsageError("--threshold is at most 2: no two vectors of length 1 are more than 2 apart")
    if matcher == "appearance":
        threshold = APPEARANCE_THRESHOLD if threshold is None else threshold
        if not 0 <= threshold <= 1:
            raise click.UsageError("--threshold lies between 0 and 1 for appearance")
    given = parameters | {"threshold": threshold}
    return {name: given[name] for name in parameters_of(matcher) if given[name] is not None}


def _refuse_anothers(matcher: str, parameters: dict[str, Any]) -> None:
    """What was given for another matcher would change nothing: who asks for more care must not believe to have it."""
    context = click.get_current_context()
    for name in parameters:
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in parameters_of(matcher):
            raise click.UsageError(f"--{name.replace('_', '-')} says nothing to {matcher}")


def _pattern(cameras: str | None, matcher: str) -> re.Pattern[str] | None:
    if cameras is None:
        return re.compile(CAMERA) if matcher == "scene_change" else None
    try:
        return re.compile(cameras)
    except re.error as error:
        raise click.BadParameter(f"this is no regular expression: {error}", param_hint="--cameras") from error


def _applied(plan: FolderPlan, settings: Settings, confirm: str) -> _Applied:
    removal_id = plan.removal.removal_id
    with wiring.open_store(settings) as store, steps() as progress:
        removals = store.catalogue.removals
        check_confirmed(occasion(plan.removal.plan_hash, removals), plan.going, len(plan.pictures), confirm)
        removals.plan(bound(plan.removal, plan.folder, removals))
        try:
            record = file_removal.apply(removal_id, plan.removal.plan_hash, removals, progress)
        except BaseException:
            click.echo(
                f"stopped; `removals resume {removal_id}` goes on, `removals undo {removal_id}` goes back", err=True
            )
            raise
        return _Applied(record, tuple(file_removal.items_of(removal_id, removals)))


def _rows(plan: FolderPlan) -> list[dict[str, Any]]:
    numbers = [number for number, found in enumerate(plan.sets, 1) for _ in found.losers]
    return [
        {
            "set": number,
            "keeps": item.keeper["name"],
            "goes": item.loser["name"],
            "agreement": item.why["agreement"],
            "bytes": item.bytes,
            "reasons": "; ".join(item.why["reasons"]),
        }
        for number, item in zip(numbers, plan.removal.items, strict=True)
    ]


def _write_table(path: Path, plan: FolderPlan) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(_rows(plan))


def _as_json(question: FolderQuestion, plan: FolderPlan, applied: _Applied | None) -> dict[str, Any]:
    states = _states(plan, applied)
    pictures = plan.pictures
    return {
        **question.as_json(),
        "pictures": len(plan.pictures),
        "duplicates_found": plan.going,
        "bytes": plan.bytes,
        "plan_hash": plan.removal.plan_hash,
        "duplicates_removed": states.count("removed"),
        "removal_id": applied.record.removal_id if applied else None,
        "state": applied.record.state if applied else "planned",
        "items": [row | {"state": state} for row, state in zip(_rows(plan), states, strict=True)],
        "doubtful": [
            {"one": encodable(pictures[it.one].name), "other": encodable(pictures[it.other].name), "why": it.why}
            for it in plan.doubtful
        ],
        "passed_over": [{"name": encodable(one.name), "reason": one.reason} for one in plan.passed_over],
    }


def _states(plan: FolderPlan, applied: _Applied | None) -> list[str]:
    """Of each item of the plan."""
    return [item.state for item in applied.items] if applied else ["planned"] * plan.going


def _tell(plan: FolderPlan, applied: _Applied | None) -> None:
    pictures = plan.pictures
    states = iter(_states(plan, applied))
    for found in plan.sets[:_TOLD]:
        click.echo(f"keeps {printable(pictures[found.keeper].name)}")
        for loser, agreed in found.losers:
            how = "same pixels" if agreed == EQUAL_PIXELS else f"{agreed:.3g}"
            click.echo(f"  {_WORDS.get(next(states), 'stayed')}: {printable(pictures[loser].name)} ({how})")
    if len(plan.sets) > _TOLD:
        click.echo(f"and {len(plan.sets) - _TOLD:,} more sets")
    doubts = [
        f"{printable(pictures[it.one].name)} and {printable(pictures[it.other].name)}: {it.why}" for it in plan.doubtful
    ]
    _list("look at", doubts)
    _list("passed over", [f"{printable(one.name)}: {one.reason}" for one in plan.passed_over])
    if plan.skipped.unreadable:
        click.echo(f"{plan.skipped.unreadable:,} files or folders could not be read", err=True)
    stayed = [item for item in applied.items if item.state != "removed"] if applied else []
    _list("stayed", [f"{printable(item.loser['name'])}: {(item.problem or {}).get('title', '')}" for item in stayed])
    click.echo(f"{plan.summary()}, {plan.bytes:,} bytes")
    if applied:
        removal_id = applied.record.removal_id
        click.echo(f"set aside as {removal_id}; keepone removals undo {removal_id} brings them back")
    elif plan.going:
        click.echo("nothing was touched; --apply sets the duplicates aside")


def _list(what: str, lines: list[str]) -> None:
    for line in lines[:_TOLD]:
        click.echo(f"{what}: {line}", err=True)
    if len(lines) > _TOLD:
        click.echo(f"{what}: and {len(lines) - _TOLD:,} more", err=True)
