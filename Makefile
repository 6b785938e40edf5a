# `make report` and `make test` set everything up on a fresh machine; the rest is for daily work.
PYTHON ?= python3
BIN    := .venv/bin
SETUP  := .venv/.complete
CUTS   ?= params/demo-final.yaml

.PHONY: report test lint typecheck lab bench soak

report: $(SETUP)
	$(BIN)/esld run $(CUTS)

test: $(SETUP)
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

typecheck: $(SETUP)
	$(BIN)/mypy

lab: $(SETUP)
	$(BIN)/python -m esld.pipeline.lab

bench: $(SETUP)
	$(BIN)/python -m tests.bench

soak: $(SETUP)
	HYPOTHESIS_PROFILE=soak ESLD_SOAK=1 $(BIN)/python -m pytest -n auto --dist loadfile -m ""

# The lock says which versions, with hashes; the package itself is installed in place beside them.
$(SETUP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "esld needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
