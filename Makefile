# Every target sets up what it needs: a virtual environment in .venv, made anew when the dependencies change.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo
PYTEST_WORKERS ?= 2

.PHONY: demo live test test-adapters test-clients test-claude lint types contracts check bench fuzz coverage snapshots docs clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "review-tui needs Python 3.11 or newer.")'
	@echo "Setting up $(VENV): about a minute, once."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: $(READY)  ## open the station on the sample runs, with a database of its own
	mkdir -p $(DEMO)
	$(BIN)/review-tui --db $(DEMO)/review.db sample_traces

live: $(READY)  ## a live agent in a scratch folder, gated
	$(BIN)/review-tui demo

test: $(READY)  ## all tests
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) $(PYTEST_ARGS)

# What follows needs packages too large for everybody: each has a virtual environment of its own.
PYTEST_BESIDE = -m pytest -n 0

test-adapters:  ## adapters against the real, unmodified frameworks, offline
	test -x .venv-adapters/bin/python || $(PYTHON) -m venv .venv-adapters
	.venv-adapters/bin/python -m pip install --quiet -e '.[dev]' -r tests/sessions/adapters/requirements.txt
	.venv-adapters/bin/python $(PYTEST_BESIDE) tests/sessions/adapters $(PYTEST_ARGS)

test-clients:  ## exports, loaded by the real clients
	test -x .venv-clients/bin/python || $(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip install --quiet -e '.[dev]' -r tests/labels/gold/requirements.txt
	.venv-clients/bin/python $(PYTEST_BESIDE) tests/labels/gold/test_clients.py $(PYTEST_ARGS)

test-claude:  ## the real Claude Code (in the claude-agent-sdk wheel) against a made-up Messages API, offline
	test -x .venv-claude/bin/python || $(PYTHON) -m venv .venv-claude
	.venv-claude/bin/python -m pip install --quiet -e '.[dev]' claude-agent-sdk==0.2.187
	.venv-claude/bin/python $(PYTEST_BESIDE) tests/claude $(PYTEST_ARGS)

lint: $(READY)  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## strict types
	$(BIN)/mypy

contracts: $(READY)  ## which package may import which
	$(BIN)/lint-imports

# Some tests wait for other processes: on a machine that is busy with other work, one that fails is tried again.
coverage: $(READY)  ## tests with coverage of every package
	$(BIN)/coverage erase
	COVERAGE_PROCESS_START=pyproject.toml $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --cov --cov-report=term --cov-fail-under=85 --reruns 2 --reruns-delay 2 $(PYTEST_ARGS)

check: lint types contracts test  ## what CI runs

bench: $(READY)  ## each budget beside its floor and its peers, through a real pty
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

fuzz: $(READY)  ## damaged files for every reader; guided by coverage where atheris is installed
	$(BIN)/python -m benchmarks.fuzz $(FUZZ_ARGS)

snapshots: $(READY)  ## accept the screens as they are now
	$(BIN)/python -m pytest tests/review_tui/test_snapshots.py --update-snapshots

docs: $(READY)  ## the pages that are made from the code
	$(BIN)/python -m review_tui.actions > docs/keys.md
	$(BIN)/python -m sessions.readers docs/formats.md
	$(BIN)/python -m labels.commands docs/commands.md
	$(BIN)/python -m labels.scoring.figures
	$(BIN)/python docs/images/make.py

clean:
	rm -rf $(VENV) .venv-* $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis htmlcov .coverage*
