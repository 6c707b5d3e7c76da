"""`keepone keys`: API keys. A key is shown once, when it is made; only its digest is kept."""

from __future__ import annotations

from pathlib import Path

import click

from service.api.auth import Scope
from service.cli import options
from service.settings import load_settings
from service.wiring import open_keys


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([scope.word for scope in Scope]),
    default="write",
    show_default=True,
    help="What it may do: read, write (and read), admin (everything).",
)
@click.option("--if-none", is_flag=True, help="Only if there is no key yet.")
@options.data
def create(name: str, scope: str, if_none: bool, data: Path | None) -> None:
    """Make a key and print it, this once."""
    with open_keys(load_settings(data=data)) as keys:
        if if_none and any(key.revoked is None for key in keys.list()):
            click.echo("There is a key already; none was made.", err=True)
            return
        new = keys.create(name, scope)
    click.echo(new.text)
    click.echo(f"Key {new.key.key_id} ({scope}) is shown this once; keep it safe.", err=True)


@command.command("list")
@options.data
def show(data: Path | None) -> None:
    """List the keys: id, scope, name, when made, whether revoked."""
    with open_keys(load_settings(data=data)) as keys:
        for key in keys.list():
            state = f"revoked {key.revoked}" if key.revoked else "active"
            click.echo(f"{key.key_id}  {key.scope:5}  {key.created}  {state}  {key.name}")


@command.command("revoke")
@click.argument("key_id")
@options.data
def revoke(key_id: str, data: Path | None) -> None:
    """Revoke a key at once and for good; sessions made with it end."""
    with open_keys(load_settings(data=data)) as keys:
        keys.revoke(key_id)
    click.echo(f"{key_id} is revoked.")
