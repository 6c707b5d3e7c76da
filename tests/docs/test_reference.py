"""The reference pages say what the code says: every setting, problem, route, command and dependency, and no other."""

import re
import tomllib
from dataclasses import asdict

import click
import pytest

from service.api.app import create_app
from service.api.problems import KINDS
from service.cli.main import commands
from service.domain import choosing, direction, letting_go, saves, verdict, weighing
from service.domain.policy import DEFAULT
from service.domain.values import OperatingPoint
from service.domain.verdict import FITTED
from service.settings import Settings


def rows(page):
    """The cells of every table row of a page, without header and rule."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def sections(page):
    """The body under each level-two heading, by its heading."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_setting_is_described_and_nothing_else(reference):
    """A setting that is not on the page cannot be found; one that is there and not in the code does nothing."""
    described = re.findall(r"^\| `(KEEPONE_[A-Z_]+)` \|", reference("settings"), flags=re.MULTILINE)
    assert sorted(described) == sorted(f"KEEPONE_{name.upper()}" for name in Settings.model_fields)


@pytest.mark.parametrize(
    "name", [name for name, field in Settings.model_fields.items() if field.default_factory is None]
)
def test_a_settings_default_is_the_one_described(reference, name):
    """Defaults that depend on the machine are described in words; the others to the letter."""
    described = {row[0]: row[1] for row in rows(reference("settings"))}[f"`KEEPONE_{name.upper()}`"]
    default = Settings.model_fields[name].default
    assert described == (f"`{default}`" if default != "" else "empty")


def test_every_problem_is_described_with_its_status_and_nothing_else(reference):
    """Programs are written against the slug; whoever meets one looks it up here."""
    found = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", reference("problems"), flags=re.MULTILINE)
    described = {slug: int(status) for slug, status in found}
    assert described == {kind.slug: kind.status for kind in KINDS}
    assert all(len(row) == 4 and all(row) for row in rows(reference("problems")))


def test_every_route_is_described_and_nothing_else(reference):
    """The page says of each route what it is for; the schema says what it takes."""
    described = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) /\S*)` \|", reference("api"), flags=re.MULTILINE)
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]
    assert sorted(described) == sorted(f"{method.upper()} {path}" for path, item in paths.items() for method in item)


def test_a_route_is_described_with_the_scope_it_asks_for(reference):
    """Open routes name no security in the schema; the others do."""
    scopes = {row[0].strip("`"): row[1] for row in rows(reference("api")) if re.match(r"`[A-Z]+ /", row[0])}
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            assert (scopes[f"{method.upper()} {path}"] == "open") == ("security" not in operation)


def all_commands(group, prefix="keepone"):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def test_every_command_is_described_with_its_options_and_nothing_else(reference):
    """One section a command; its table lists exactly the options that the command takes."""
    described = {
        heading: set(re.findall(r"^\| `(--[a-z-]+)` \|", body, flags=re.MULTILINE))
        for heading, body in sections(reference("cli")).items()
        if heading.startswith("keepone ")
    }
    actual = {
        name: {word for option in command.params if isinstance(option, click.Option) for word in option.opts}
        for name, command in all_commands(commands)
    }
    assert described == actual


def test_every_dependency_says_why_it_is_here(root):
    """Each library of pyproject has a sentence of its own, extras included, and no sentence outlives its library."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    names = {re.match(r"[A-Za-z0-9._-]+", line)[0].lower() for line in asked}
    page = (root / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    told = {row[0].strip("`") for row in rows(page) if row[0].startswith("`")}
    assert {name for name in names if f"`{name}`" not in page} == set()
    assert told <= names


def test_operating_points_are_the_ones_explained(root):
    """The page that explains verdicts names the numbers that decide them."""
    page = (root / "docs" / "explanation" / "verdicts.md").read_text(encoding="utf-8")
    explained = {row[0].strip("`"): float(row[1]) for row in rows(page) if row[0].strip("`") in set(OperatingPoint)}
    assert explained == {point.value: least for point, least in FITTED.operating_points.items()}


def test_thresholds_are_the_ones_explained(root):
    """A threshold that moves takes its explanation with it."""
    explanation = root / "docs" / "explanation"
    keeper_page = (explanation / "keeper.md").read_text(encoding="utf-8")
    compare_page = (explanation / "compare.md").read_text(encoding="utf-8")
    assert f"leads by {weighing.SHARPER} or less" in keeper_page
    assert f"{saves.HEAVIER} times the bytes" in keeper_page
    assert f"sharper by {letting_go.MUCH_SHARPER} or more" in keeper_page
    assert f"clear from {DEFAULT.clear_lead} on" in keeper_page
    assert f"({choosing.MUCH * DEFAULT.clear_lead:.2f} or more together)" in keeper_page
    weights = dict(re.findall(r"`([a-z_]+)` (0\.\d+)", keeper_page))
    assert {name: float(weight) for name, weight in weights.items()} == asdict(DEFAULT.weights)
    assert f"within {direction.SAME_SIZE:.0%}".replace("%", " %") in keeper_page
    assert f"Up to {verdict.SAME_TONES:.0f} levels apart" in compare_page
    assert f"Up to {verdict.RECOLOURED_TONES:.0f} levels left" in compare_page
