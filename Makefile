# Everything a person or the gate does with this project. Needs GNU make 3.81 or newer and Python 3.11 or newer.

PYTHON ?= python3
TASK ?= Add user authentication feature
ARGS ?=
# handed on as it is: a dollar sign or a quote in a task means itself
override TASK := $(value TASK)
export TASK

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CODE := $(foreach folder,delegator actors serve_app tests bench,$(if $(wildcard $(folder)/*.py $(folder)/*/*.py),$(folder)))

.DEFAULT_GOAL := help
.PHONY: help setup run stop test fast lint format types check lock bench clean

help: ## this list
	@echo 'make <target>, the environment is set up by itself in $(VENV)/'
	@sed -n 's/^\([a-z][a-z]*\):.*## \(.*\)$$/  \1|\2/p' Makefile | awk -F'|' '{printf "%-10s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## only the environment

run: $(INSTALLED) ## start the system and do TASK="what you want done"
	$(BIN)/delegator up
	$(BIN)/delegator run "$$TASK"
	$(BIN)/delegator status

stop: $(INSTALLED) ## stop the system and all it started
	$(BIN)/delegator down

# In two processes, see tests/lanes.py; ARGS="-n 0" runs them in one.
test: $(INSTALLED) ## all tests (ARGS="-k word" for some)
	$(BIN)/python -m pytest --numprocesses 2 $(ARGS)

fast: $(INSTALLED) ## tests that need no Ray, browser, Node or Ollama
	$(BIN)/python -m pytest -m 'not ray and not browser and not node and not ollama' $(ARGS)

lint: $(INSTALLED) ## style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED) ## write the code in that style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(INSTALLED) ## types of the code
	$(BIN)/mypy $(CODE)

check: lint types fast ## lint, types and the fast tests

bench: $(INSTALLED) ## benchmarks (ARGS="name" for one)
	$(BIN)/python -m bench $(ARGS)

# The lock names versions and hashes only, never where a package came from, so that it works with any package index.
lock: $(INSTALLED) ## write requirements.lock anew from pyproject.toml (ARGS="--upgrade" for newer versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate $(ARGS) \
		--output-file requirements.lock pyproject.toml
	@if grep -nE '://|index|^-' requirements.lock; then \
		echo 'requirements.lock names a place that packages came from (above): it must not.' >&2; exit 1; fi

clean: ## remove the environment and all that was made
	@if [ -x $(BIN)/delegator ]; then $(BIN)/delegator down || true; fi
	rm -rf $(VENV) .ci/tools dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first of PYTHON, python3.13, python3.12, python3.11 that runs and is new enough.
$(INSTALLED): requirements.lock pyproject.toml
	@set -e; \
	new_enough='import sys; sys.exit(sys.version_info < (3, 11))'; \
	if ! $(BIN)/python -c "$$new_enough" 2>/dev/null; then \
		found=''; \
		for python in '$(PYTHON)' python3.13 python3.12 python3.11; do \
			if "$$python" -c "$$new_enough" >/dev/null 2>&1; then found="$$python"; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo 'Delegator needs Python 3.11 or newer; $(PYTHON) is older or missing, and there is no python3.13, python3.12 or python3.11 either.' >&2; \
			echo 'Install one, or name it: make PYTHON=/path/to/python3' >&2; \
			exit 1; \
		fi; \
		echo "Set-up 1/3: environment in $(VENV) with $$("$$found" --version)"; \
		if ! "$$found" -m venv --clear $(VENV); then \
			echo "$$found cannot make environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
		fi; \
	fi; \
	echo 'Set-up 2/3: packages of requirements.lock (checked by hash; some minutes the first time)'; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile --require-hashes --requirement requirements.lock; \
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true; : 'on all processors, where pip takes one; some packages carry files that are no Python yet'; \
	echo 'Set-up 3/3: Delegator itself'; \
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	touch $@
