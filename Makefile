# Every target makes its own virtual environment first; nothing else has to be installed.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SEEDS ?= 5
JOBS ?= 2
CASES ?= 10000
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo test lint peers bench acceptance fuzz clean

help:
	@echo "make demo        simulate, build, train, evaluate, predict, export, report (OPEN=1 opens it)"
	@echo "make test        lint and all tests, by JOBS=$(JOBS) processes"
	@echo "make lint        ruff and mypy"
	@echo "make bench       benchmarks, as ratios against a peer (make peers sets those up)"
	@echo "make acceptance  the table of acceptance experiments, SEEDS=$(SEEDS) by JOBS=$(JOBS), resumable"
	@echo "make fuzz        CASES=$(CASES) mutated files, each of which must end in a clear error or a correct read"
	@echo "make clean       remove the virtual environment and what the targets made"

$(READY): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/copper demo -o demo --force $(if $(OPEN),--open)

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Programs that aren't ours, in an environment of their own.
peers: .venv-peers/ready

.venv-peers/ready: benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet -r benchmarks/peers.txt
	touch $@

bench: $(READY) .venv-peers/ready
	$(BIN)/python -m benchmarks.inference
	$(BIN)/python -m benchmarks.streaming
	$(BIN)/python -m benchmarks.step
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.bars
	$(BIN)/python -m benchmarks.bar_leak
	$(BIN)/python -m benchmarks.likeness
	$(BIN)/python -m benchmarks.building
	$(BIN)/python -m benchmarks.mosaic
	$(BIN)/python -m benchmarks.bulk
	$(BIN)/python -m benchmarks.memory

acceptance: $(READY)
	$(BIN)/python -m benchmarks.acceptance --seeds $(SEEDS) --jobs $(JOBS) --output acceptance

fuzz: $(READY)
	$(BIN)/python -m benchmarks.fuzz --cases $(CASES)

clean:
	rm -rf $(VENV) .venv-peers demo acceptance build dist *.egg-info
