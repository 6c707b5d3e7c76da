# Everything a newcomer or a CI needs. `make run` and `make test` do all their own set-up.
PYTHON ?= python3
# Tests of real pictures and models find them by it.
ifneq ($(wildcard ../shared/data),)
export KEEPONE_SHARED ?= $(abspath ../shared)
endif
VENV := .venv
BIN := $(VENV)/bin
# Quiet: what was installed already is not told again, and no newer pip is looked for.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help run test test-extras test-augly test-browser test-schema test-data check format openapi bench bench-accuracy bench-quality bench-keeper bench-faults clean

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(VENV)/core: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Keepone needs Python 3.11 or later") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/test: $(VENV)/core
	$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/check: $(VENV)/core
	$(PIP) --editable '.[test,check]'
	@touch $@

$(VENV)/heavy: $(VENV)/core
	$(PIP) --editable '.[test,heavy]'
	@touch $@

# PyTorch weighs gigabytes: an environment of its own, so that all else is tested without it.
$(VENV)-extras/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)-extras
	$(VENV)-extras/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[clip,faces,test]'
	@touch $@

run: $(VENV)/core ## Set up and start the service on loopback.
	$(BIN)/keepone serve

test: $(VENV)/test ## Set up and run the tests (core install), in two processes.
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-extras: $(VENV)-extras/ready ## Real CLIPs and face models, in an environment of their own (7 GB).
	OMP_NUM_THREADS=1 $(VENV)-extras/bin/python -m pytest -q --timeout 600 tests/extras

test-browser: $(VENV)/heavy ## Drive the pages with Chromium, the network cut (Debian: chromium, iproute2).
	unshare -rn sh -c 'ip link set lo up && exec $(BIN)/python -m pytest -q tests/browser'

test-augly: $(VENV)/heavy ## The edits of the accuracy benchmark (Debian: libmagic1).
	$(BIN)/python -m pytest -q tests/augly

test-schema: $(VENV)/heavy ## Schemathesis over openapi.yaml, against a real service.
	$(BIN)/python -m benchmarks.schema

test-data: $(VENV)/heavy ## Hostile files of KEEPONE_SHARED through a real service.
	$(BIN)/python -m benchmarks.hostile

check: $(VENV)/check ## Lint, types, import rules, openapi.yaml up to date.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m service.api.openapi --check openapi.yaml

format: $(VENV)/check ## Let ruff arrange the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: $(VENV)/check ## Write openapi.yaml from the code.
	$(BIN)/python -m service.api.openapi openapi.yaml

bench: $(VENV)/heavy ## Latency, ingest and search figures into benchmarks/results/ (3 GiB of disk).
	$(BIN)/python -m benchmarks.api
	$(BIN)/python -m benchmarks.search

CACHE ?= $(HOME)/.cache/keepone-accuracy
bench-accuracy: $(VENV)/heavy ## Copies found, strangers mistaken, and peers on the same pictures (hours; 2 GB in CACHE).
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.accuracy --half report --references photos --cache $(CACHE)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.accuracy --half report --references small --cache $(CACHE)
	$(BIN)/python -m benchmarks.accuracy.page

bench-quality: $(VENV)/heavy ## How true quality and screenshot figures are (half an hour; wants Chromium).
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.quality

bench-keeper: $(VENV)/heavy ## Who stays among copies, and how long a policy takes to try (forty minutes).
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.keeper
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.unseen
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.policies

CYCLES ?= 500
# Tests that try a fault a number of times, a twentieth of it in `make test`.
COUNTED := tests/faults/test_snapshot_kills.py tests/unit/index_store/vectors/test_snapshot.py \
	tests/integration/jobs/test_once.py tests/integration/jobs/test_worker.py
bench-faults: $(VENV)/heavy ## Kill it, cut its power, fill its disk, race it (hours; CYCLES=40 for less).
	$(BIN)/python -m benchmarks.faults.crash --cycles $(CYCLES)
	$(BIN)/python -m benchmarks.faults.describing
	$(BIN)/python -m benchmarks.faults.syscalls
	$(BIN)/python -m benchmarks.faults.disk_full
	$(BIN)/python -m benchmarks.faults.races
	$(BIN)/python -m benchmarks.faults.restarts
	$(BIN)/python -m benchmarks.faults.removals
	$(BIN)/python -m benchmarks.faults.deletions
	$(BIN)/python -m benchmarks.faults.folders
	$(BIN)/python -m benchmarks.faults.folder_kills
	$(BIN)/python -m benchmarks.faults.backup
	$(BIN)/python -m benchmarks.faults.fsck
	$(BIN)/python -m benchmarks.faults.log_reader
	KEEPONE_TEST_SHARE=1 $(BIN)/python -m pytest -q --timeout 7200 $(COUNTED)

clean: ## Remove what the targets above made.
	rm -rf $(VENV) $(VENV)-extras .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
