"""Schemathesis over openapi.yaml, against a real service: `python benchmarks/schema.py` (the `heavy` extra).

Starts `keepone serve` with an empty collection and a key of scope write, and lets Schemathesis run all its phases and
all its checks (what schemathesis.toml loosens has its reason there). Fails on any failure, on fewer than 2,000
examples, and if a route was not reached. Writes `benchmarks/results/schema.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.server import running_service

ROOT = Path(__file__).parent.parent
RESULT = Path(__file__).parent / "results" / "schema.json"
SEED = int(os.environ.get("KEEPONE_TEST_SEED", "20261120"))
EXAMPLES_PER_OPERATION = 200
LEAST_EXAMPLES = 2_000
PHASES = ("examples", "coverage", "fuzzing", "stateful")


def make_key(data: Path) -> str:
    command = [sys.executable, "-m", "service.cli", "keys", "create", "--scope", "write", "schemathesis"]
    made = subprocess.run([*command, "--data", str(data)], check=True, capture_output=True, text=True)
    return made.stdout.strip()


def run_schemathesis(base: str, key: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Its exit code and its report."""
    report = folder / "report.json"
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(ROOT / "schemathesis.toml")]
    command += ["run", str(ROOT / "openapi.yaml"), "--url", base, "--header", f"X-API-Key: {key}"]
    command += ["--phases", ",".join(PHASES), "--mode", "all", "--checks", "all", "--continue-on-failure"]
    command += ["--max-examples", str(EXAMPLES_PER_OPERATION), "--seed", str(SEED), "--generation-database", "none"]
    command += ["--request-timeout", "20", "--report", "json", "--report-json-path", str(report), "--no-color"]
    # The hooks are a module of this repository; `.hypothesis` and the like stay in the temporary folder.
    done = subprocess.run(command, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return done.returncode, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}


def shortcomings(code: int, report: dict[str, Any]) -> list[str]:
    """What is missing, in sentences; nothing if all is well."""
    if not report:
        return [f"Schemathesis ended with code {code} and wrote no report."]
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    operations = sum(len(methods) for methods in document["paths"].values())
    generated, tested = report["test_cases"]["generated"], report["operations"]["tested"]
    missing = []
    if code or report["failures"]:
        missing.append(f"Schemathesis ended with code {code} and {len(report['failures'])} kinds of failure.")
    if generated < LEAST_EXAMPLES:
        missing.append(f"{generated} examples are fewer than {LEAST_EXAMPLES}.")
    if tested != operations:
        missing.append(f"{tested} of {operations} operations were tested.")
    # "examples" has nothing to do while the document has none.
    missing += [f"The phase {name} did not run." for name in PHASES[1:] if report["phases"][name]["status"] == "skip"]
    return missing


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = folder / "data"
        key = make_key(data)
        with running_service(data, KEEPONE_LOG_LEVEL="error") as base:
            code, report = run_schemathesis(base, key, folder)
    missing = shortcomings(code, report)
    RESULT.parent.mkdir(exist_ok=True)
    kept = ("schemathesis_version", "seed", "running_time", "operations", "phases", "test_cases", "failures")
    summary = {name: report.get(name) for name in kept} | {"missing": missing}
    RESULT.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=1))
    sys.exit("\n".join(missing) or 0)


if __name__ == "__main__":
    main()
