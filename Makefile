# `make report` and `make test` set everything up on a fresh machine; the rest is for daily work.
PYTHON ?= python3
UV     ?= uv
BIN    := .venv/bin
RUN    := .venv/.complete
TOOLS  := .venv/.complete-tools
LOG    := .venv/setup.log
CUTS   ?= params/demo-final.yaml

# A worker for each core; files in the order of tests/conftest.py, the longest first.
SHARED := -n auto --dist loadfile --no-loadscope-reorder
# What pytest makes of the tests' asserts is kept: to make it anew takes each worker a quarter of a minute.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

.PHONY: report test test-all lint typecheck docs lab bench sbom soak lock

report: $(RUN)
	$(BIN)/esld run $(CUTS)

# What fits into about five minutes of two cores (tests/budget.py); `make test-all` leaves out the slow ones of `make soak` alone.
test: $(TOOLS)
	$(PYTEST) $(SHARED) --seconds 160 --durations 10 --durations-min 1

test-all: $(TOOLS)
	$(PYTEST) $(SHARED) --durations 10 --durations-min 1

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

typecheck: $(TOOLS)
	$(BIN)/mypy

# A reference that leads nowhere is a warning (-n), and a warning an error (-W); begun from nothing, or a second build
# would be silent about the first one's.
docs: $(TOOLS)
	rm -rf docs/_build docs/reference/generated
	$(BIN)/python -m sphinx -q -n -W --keep-going -j auto docs docs/_build

lab: $(RUN)
	$(BIN)/python -m esld.pipeline.lab

bench: $(TOOLS)
	$(BIN)/python -m tests.bench

sbom: $(TOOLS)
	$(BIN)/python -m tests.supply

soak: $(TOOLS)
	HYPOTHESIS_PROFILE=soak ESLD_SOAK=1 $(PYTEST) $(SHARED) -m ""; status=$$?; $(BIN)/python -m tests.faults; exit $$status

# The locks have decided, so nothing is resolved: no dependency is followed, and what comes as source is built by what
# requirements-build.lock put there before. `pip check` then says whether it is whole. While pip works there are no
# stamps, and a stamp holds the locks that it stands for: what was broken off, or is of other locks, is made anew.
export PIP_NO_INPUT := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP      = $(BIN)/python -m pip
INSTALL  = $(PIP) install --no-deps --no-build-isolation --use-pep517
FAILED   = { echo "esld: the set-up failed; $(LOG) ends with:" >&2; tail -n 5 $(LOG) >&2; exit 1; }
COUNT    = $$(grep -ho '^[a-z0-9][^=]*==' $(1) | sort -u | wc -l | tr -d ' ')

# Two makes at once in one working copy: the second waits, and then finds it done. The system lets go of a lock when its holder
# ends, however that ends.
define ALONE
import fcntl, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
held = os.open("Makefile", os.O_RDONLY)
os.set_inheritable(held, True)
try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("esld: another make sets up .venv; this one waits for it", flush=True)
    fcntl.flock(held, fcntl.LOCK_EX)
os.execvp(sys.argv[1], sys.argv[1:])
endef
export ALONE

$(RUN): requirements-build.lock requirements.lock pyproject.toml
$(TOOLS): $(RUN) requirements-dev.lock

ifndef SETTING_UP
$(RUN) $(TOOLS):
	@$(PYTHON) -c "$$ALONE" $(MAKE) -s SETTING_UP=1 $@
else
$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "esld needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@cat requirements-build.lock requirements.lock 2>&1 | cmp -s - $@ && test -x $(BIN)/python || { \
	  test ! -e .venv || echo "esld: .venv was broken off or is of other locks: it is made anew"; \
	  rm -rf .venv && $(PYTHON) -m venv .venv; }
	@rm -f $(RUN) $(TOOLS)
	@echo "esld: installing what a run needs (about $(call COUNT,requirements-build.lock requirements.lock) locked packages, 900 MB, one to two minutes); log: $(LOG)"
	@{ $(INSTALL) --require-hashes -r requirements-build.lock \
	  && $(INSTALL) --require-hashes -r requirements.lock \
	  && $(INSTALL) --editable . \
	  && $(PIP) check; } >$(LOG) 2>&1 || $(FAILED)
	@cat requirements-build.lock requirements.lock >$(RUN)

$(TOOLS):
	@rm -f $(RUN) $(TOOLS)
	@echo "esld: adding what tests, lint and types need (about $(call COUNT,requirements-*.lock) locked packages and 1,340 MB in all, half a minute); log: $(LOG)"
	@{ $(INSTALL) --require-hashes -r requirements-dev.lock && $(PIP) check; } >>$(LOG) 2>&1 || $(FAILED)
	@cat requirements-build.lock requirements.lock >$(RUN)
	@touch $(TOOLS)
endif

# The versions that the locks hold stay, where pyproject.toml allows them; UPGRADE=--upgrade takes the newest of each.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock:
	$(COMPILE) $(UPGRADE) pyproject.toml --all-extras -o requirements-dev.lock
	$(COMPILE) pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(COMPILE) $(UPGRADE) --group pyproject.toml:build -c requirements-dev.lock -o requirements-build.lock
