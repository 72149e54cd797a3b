# Milepost: `make demo` and `make test` set up all they need on a machine with git, Python >= 3.10 and make.
# Everything goes into .venv and .cache of this folder; `make clean` removes both.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CACHE := .cache

# Milepost is many short processes: without bytecode each of them would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports unit thorough conformance bench notebook-kernel clean format services web web-check

help:  ## Say what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(VENV)/.demo  ## Train a real scikit-learn model with an unchanged azureml.core script and show its record
	$(PY) examples/run_demo.py

test: $(VENV)/.dev services lint web-check web unit  ## Lint, strict types, import rules and all tests

lint: $(VENV)/.dev  ## ruff, mypy --strict, import-linter
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

unit: $(VENV)/.dev  ## The tests alone; ARGS="-k journal" goes to pytest
ifdef ARGS
	$(PY) -m pytest $(ARGS)
else
	@# What fails beside others is tried once more by itself: some tests need a machine that keeps up.
	$(PY) -m pytest -n 3 --dist loadgroup || $(PY) -m pytest --last-failed --last-failed-no-failures none
endif

thorough: $(VENV)/.dev services web  ## All tests with more kills, runs and examples than make test has time for
	MILEPOST_TESTS=thorough $(PY) -m pytest -n 3 --dist loadgroup

conformance: $(VENV)/.dev services  ## The SDK's tests here, on HTTP+SQLite and on HTTP+PostgreSQL; long, so CI does a part
	$(PY) -m pytest tests/sdk --conformance -n 3 --dist loadgroup $(ARGS)

services: $(VENV)/.dev  ## PostgreSQL and the Azurite emulator, for the tests that use the real thing
	sh tests/services.sh $(PY)

web: $(VENV)/.dev  ## Build the portal's pages into the package
	$(PY) web/build.py

web-check: $(VENV)/.dev  ## The pages' types, lint and tests
	$(PY) web/build.py --check

bench: $(VENV)/.dev  ## Measure Milepost beside its peers and write docs/benchmarks.md (about 45 minutes)
	$(PY) benchmarks/run.py $(ARGS)

format: $(VENV)/.dev  ## Format the code and mend what ruff can mend
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:  ## Remove what make has made
	rm -rf $(VENV) $(CACHE) tests/node/node_modules web/node_modules src/milepost/server/web src/milepost/widgets/static

$(VENV)/.made:
	sh tests/make-venv.sh $(PYTHON) $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	sh tests/install.sh $(PY) --editable '.[demo]'
	touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	sh tests/install.sh $(PY) --editable '.[dev]'
	touch $@ $(VENV)/.demo
