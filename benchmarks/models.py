"""Which model to trust on the two labelled lists of faces that DeepFace tests itself with: `keepone compare-models` on both.

Wants `KEEPONE_SHARED` and the extra `faces`. Writes `benchmarks/results/models.json` and the plot of the reference page.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "models.json"
PLOT = Path(__file__).parents[1] / "docs" / "reference" / "model-comparison.svg"
LISTS = ("face-recognition-pivot", "master")


def main() -> None:
    faces = Path(os.environ["KEEPONE_SHARED"]) / "data" / "faces"
    result: dict[str, object] = {"deepface": version("deepface"), "dlib": version("dlib-bin")}
    for name in LISTS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            listed = str(faces / f"{name}.csv")
            asked = ["compare-models", listed, "--data", folder, "--out", str(out)]
            subprocess.run([sys.executable, "-m", "service.cli", *asked], check=True)
            result[name] = json.loads((out / "comparison.json").read_text(encoding="utf-8"))
            if name == LISTS[0]:
                PLOT.write_text((out / "roc.svg").read_text(encoding="utf-8"), encoding="utf-8")
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
