# Python 3.11 to 3.14, with its module venv, and make are all that is needed.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?=
SOAK ?=

.PHONY: install demo test lint types unit parity integration e2e faults faults-short soak fresh pythons peers lock clean

# An environment whose interpreter has gone, as after an upgrade of the system, is made anew.
ifneq ($(wildcard .venv/installed),)
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),runs)
$(shell rm -rf .venv)
endif
endif

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Error: there is no $(PYTHON) here. Install Python 3.11 to 3.14 (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 6))' || \
		{ echo "Error: $(PYTHON) is older than 3.11. Name a newer one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -I sightline/stack/machine.py $(MAKECMDGOALS)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install
	@$(BIN)/sightline demo $(DEMO)

test: lint types unit parity integration faults-short e2e

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

unit: install
	$(BIN)/pytest tests/unit

parity: install
	$(BIN)/pytest tests/parity

# Peer trackers, for `sightline bench tracker`.
peers: install .venv-peers/installed

.venv-peers/installed: requirements-peers.lock
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-peers.lock
	@touch $@

integration: install
	$(BIN)/pytest tests/integration

e2e: install
	$(BIN)/pytest tests/e2e

# What must survive faults; docs/guarantees.md has what was measured. The long form takes most of an hour.
faults-short: install
	$(BIN)/pytest tests/faults -m "not long"

faults: install
	$(BIN)/pytest tests/faults

# Memory and descriptors over an hour; SOAK="--minutes 10" is shorter.
soak: install
	@$(BIN)/python -m tests.faults.soak $(SOAK)

# The commands of the README on bare Debians, which root lays out with debootstrap: an hour and more.
fresh: install
	$(BIN)/pytest tests/fresh/test_fresh_machine.py

# All packages and the unit tests on every Python from 3.11 to 3.14: half an hour.
pythons: install
	$(BIN)/pytest tests/fresh/test_pythons.py

# The lock names one version of each package for every Python from 3.11 to 3.14, and its digests; it needs `uv`.
lock:
	uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra local --extra eval --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .venv-peers .mypy_cache .pytest_cache .ruff_cache build dist
