"""`keepone`: the commands, their shared options, and what errors become: a line on standard error and an exit code.

Exit codes: 0 none found, 1 duplicates found, 2 usage, 3 failed.
"""

from __future__ import annotations

import sys
import traceback

import click

from index_store.errors import StoreError
from service import __version__
from service.cli import (
    assess,
    backup,
    check,
    compare,
    compare_models,
    dedupe,
    doctor,
    fsck,
    ingest,
    keys,
    persons,
    reindex,
    removals,
    serve,
)
from service.domain.errors import KeeponeError, SettingsError

USAGE, FAILED = 2, 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="keepone")
def commands() -> None:
    """Have we got this picture already, and which copy should stay?"""


for module in (
    serve,
    check,
    assess,
    compare,
    compare_models,
    ingest,
    dedupe,
    persons,
    removals,
    doctor,
    fsck,
    keys,
    reindex,
):
    commands.add_command(module.command)
commands.add_command(backup.backup)
commands.add_command(backup.restore)


def main() -> None:
    """The console script."""
    try:
        sys.exit(commands.main(standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except SettingsError as error:
        print(f"keepone: {error}", file=sys.stderr)
        sys.exit(USAGE)
    except (KeeponeError, StoreError, OSError) as error:
        print(f"keepone: {error}", file=sys.stderr)
        sys.exit(FAILED)
    except Exception:  # noqa: BLE001 - Python would exit with 1, and that means that duplicates were found
        traceback.print_exc()
        sys.exit(FAILED)
