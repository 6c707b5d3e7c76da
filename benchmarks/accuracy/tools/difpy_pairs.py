"""difPy's similar pictures, of whatever size, also turned: `python difpy_pairs.py FOLDER`."""

import json
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main(folder: Path) -> dict[str, Any]:
    import difPy  # noqa: PLC0415 - it starts processes that import this file

    with redirect_stdout(sys.stderr):
        built = difPy.build(str(folder), show_progress=False, processes=1)
        found = difPy.search(
            built, similarity="similar", rotate=True, same_dim=False, show_progress=False, processes=1
        ).result
    pairs = {
        tuple(sorted((Path(name).name, Path(other[0]).name))) for name, others in found.items() for other in others
    }
    return {"version": version("difPy"), "pairs": sorted(pairs)}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
