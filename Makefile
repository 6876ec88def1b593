# Every target makes its own virtual environment first; nothing else has to be installed.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SEEDS ?= 5
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo test lint bench acceptance clean

help:
	@echo "make demo        simulate, build, train, evaluate, predict, export (OPEN=1 opens the pages)"
	@echo "make test        lint and all tests"
	@echo "make lint        ruff and mypy"
	@echo "make bench       benchmarks, as ratios against a peer"
	@echo "make acceptance  the table of acceptance experiments, SEEDS=$(SEEDS), resumable"
	@echo "make clean       remove the virtual environment and what the targets made"

$(READY): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/copper demo -o demo --force $(if $(OPEN),--open)

test: lint
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks.pipeline

acceptance: $(READY)
	$(BIN)/python -m benchmarks.acceptance --seeds $(SEEDS) --output acceptance

clean:
	rm -rf $(VENV) demo acceptance build dist *.egg-info
