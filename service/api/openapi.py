"""Writes `openapi.yaml` from the code, or with `--check` tells whether it is still what the code says.

For developers (`make openapi`, `make check`): it needs PyYAML, which the service does not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from service.api.app import create_app
from service.settings import Settings


def render() -> str:
    """The document in YAML, keys in the order FastAPI gives them."""
    # No settings of the machine: the document is the same wherever it is made.
    document = create_app(Settings(_env_file=None)).openapi()
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str]) -> int:
    path = Path(arguments[-1])
    if arguments[0] != "--check":
        path.write_text(render(), encoding="utf-8")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == render():
        return 0
    sys.stderr.write(f"{path} is not what the code says; run `make openapi`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
