# Every target works from a fresh clone: `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers

.PHONY: setup run lint format type test fuzz cases companions mutants bench dist clean

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: accelsel needs Python 3.11 or newer; set PYTHON=" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[uv]" --group dev
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: setup
	$(BIN)/mypy

test: lint type
	$(BIN)/python -m pytest -n auto

run: setup
	$(BIN)/python -m tests.kit.demo

fuzz: setup
	ACCELSEL_FUZZ_EXAMPLES=200000 $(BIN)/python -m pytest -n auto -q -m fuzz tests/probe
	ACCELSEL_FUZZ_EXAMPLES=5000 $(BIN)/python -m pytest -n auto -q \
		tests/project/test_render.py tests/rules/test_laws.py tests/rules/test_doctor_total.py

$(PEERS)/.ready: pyproject.toml | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)
	$(BIN)/uv pip install --quiet --python $(PEERS) --group peers
	@touch $@

cases: setup $(PEERS)/.ready
	$(BIN)/python -m tests.rules.report

companions: setup
	$(BIN)/python -m tests.kit.companions

mutants: setup
	$(BIN)/python -m pip install --quiet --group mutants
	$(BIN)/mutmut run

bench: setup
	$(BIN)/python -m tests.kit.bench
	$(BIN)/python -m tests.kit.bench_probes
	$(BIN)/python -m tests.kit.bench_kept
	$(BIN)/python -m tests.kit.bench_pin

dist: setup
	$(BIN)/uv build --quiet --out-dir dist

clean:
	rm -rf $(VENV) $(PEERS) dist build .mypy_cache .ruff_cache .pytest_cache
