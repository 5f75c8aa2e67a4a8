# Two commands matter: `make demo` and `make test`. Each does its own set-up; only Python 3.10+, pip and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
SDKS := .venv-sdks
STAMP := $(VENV)/.stamp
OLDEST_STAMP := $(OLDEST)/.stamp
SDKS_STAMP := $(SDKS)/.stamp
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup demo test test-all lint docs bench clean
.DEFAULT_GOAL := help

help: ## what can be made here
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## the environment .venv with all extras and the tools of development
$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c "import sys; sys.exit(sys.version_info < (3, 10))" || { echo "Meter needs Python 3.10 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(BIN)/pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

$(OLDEST_STAMP): pyproject.toml tests/oldest.txt
	@test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1'
	$(OLDEST)/bin/pip install -qq --disable-pip-version-check --requirement tests/oldest.txt --editable .
	@touch $@

$(SDKS_STAMP): pyproject.toml tests/sdks.txt
	@test -x $(SDKS)/bin/python || $(PYTHON) -m venv $(SDKS)
	$(SDKS)/bin/pip install -qq --disable-pip-version-check --upgrade 'pip>=25.1'
	$(SDKS)/bin/pip install -qq --disable-pip-version-check --requirement tests/sdks.txt --editable .
	@touch $@

demo: $(STAMP) ## a small fleet on a loopback simulator, thirteen months of history, and what to try next
	@$(BIN)/meter demo

test: $(STAMP) $(OLDEST_STAMP) $(SDKS_STAMP) ## everything that can run here, on the newest SDKs, and the oldest of OpenAI and Anthropic
	$(PYTEST) -n 2 --dist loadgroup
	$(OLDEST)/bin/python -m pytest tests/instrument -n 2 --dist loadgroup
	$(SDKS)/bin/python -m pytest tests/instrument/vendors -n 2 --dist loadgroup

test-all: $(STAMP) ## test, and what takes long
	METER_TEST_ALL=1 $(MAKE) test
	$(BIN)/python -m tests.matrix
	$(BIN)/python -m tests.frameworks

lint: $(STAMP) ## format, lint, types, import contracts, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python tests/typing_api.py
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: $(STAMP) ## write the generated parts of README.md anew
	PYTHONPATH=. $(BIN)/cog -r README.md

bench: $(STAMP) $(SDKS_STAMP) ## overhead against the bare SDK and other tools, ingest speed, bytes a call
	$(BIN)/python -m tests.bench

clean: ## remove what make created
	rm -rf $(VENV) .venv-* build dist *.egg-info
