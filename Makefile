# Every target makes its own virtual environment first; nothing else has to be installed.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SEEDS ?= 5
JOBS ?= 2
CASES ?= 10000
COUNT ?= 50
BUDGET ?= 2
BENCHMARKS ?= speed.inference speed.prefetch speed.step data.pipeline data.bars data.bar_leak data.duplicates data.building speed.mosaic speed.bulk speed.memory
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help demo docs figures test test-slow lint peers bench acceptance paper fuzz mutation audit clean

help:
	@echo "make demo        simulate a SEM folder, fit it, predict (OPEN=1 opens the report)"
	@echo "make docs        the documentation as a site, docs/_build/html (OPEN=1 opens it)"
	@echo "make figures     the pictures of the documentation anew, from what make demo left"
	@echo "make test        lint and all fast tests, by JOBS=$(JOBS) processes"
	@echo "make test-slow   the other tests: kills, wheels, browsers, every export format, the docs"
	@echo "make lint        ruff and mypy"
	@echo "make bench       benchmarks, as ratios against a peer (make peers sets those up), BENCHMARKS=..."
	@echo "make acceptance  the table of acceptance experiments, SEEDS=$(SEEDS) by JOBS=$(JOBS), resumable"
	@echo "make paper       the paper's figures at its own scale, as one page, in about BUDGET=$(BUDGET) hours; resumable"
	@echo "make fuzz        CASES=$(CASES) mutated files, each of which must end in a clear error or a correct read,"
	@echo "                 and 5,000 hostile messages and 1,000 requests to the pages, none of which may succeed"
	@echo "make mutation    COUNT=$(COUNT) small changes of the code of each group, of which the tests must notice 85 %"
	@echo "make audit       the pinned versions, and their known faults where pip-audit and its database can be had"
	@echo "make clean       remove the virtual environment and what the targets made"

$(READY): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/copper demo -o demo --force $(if $(OPEN),--open)

# Warnings are errors; the Python tutorial is run where it has changed.
docs: $(READY)
	DOCS_EXECUTE=1 $(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"
	$(if $(OPEN),$(BIN)/python -m webbrowser "file://$(CURDIR)/docs/_build/html/index.html")

figures: $(READY)
	$(BIN)/python docs/figures.py demo

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Programs that aren't ours, in an environment of their own.
peers: .venv-peers/ready

.venv-peers/ready: benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet -r benchmarks/peers.txt
	touch $@

# All of them are run, whichever misses what is required of it.
bench: $(READY) .venv-peers/ready
	@missed=; for name in $(BENCHMARKS); do \
		echo "python -m benchmarks.$$name"; $(BIN)/python -m benchmarks.$$name || missed="$$missed $$name"; \
	done; test -z "$$missed" || { echo "missed what is required:$$missed"; exit 1; }

acceptance: $(READY)
	$(BIN)/python -m benchmarks.acceptance.acceptance --seeds $(SEEDS) --jobs $(JOBS) --output acceptance

paper: $(READY)
	$(BIN)/python -m benchmarks.paper --output paper --hours $(BUDGET)

fuzz: $(READY)
	$(BIN)/python -m benchmarks.fuzz.fuzz --cases $(CASES)
	$(BIN)/python -m benchmarks.fuzz.pages

mutation: $(READY)
	$(BIN)/python -m benchmarks.mutation.mutation --count $(COUNT) --jobs $(JOBS)

# pip-audit in an environment of its own; what it can't look up, as where its database isn't reached, is said.
AUDIT := .venv-audit
audit: $(READY)
	@echo "pinned, as tested:" && grep -v '^ *\(#\|$$\)' constraints.txt
	@rm -rf $(AUDIT) && $(PYTHON) -m venv $(AUDIT)
	@-$(AUDIT)/bin/python -m pip install --quiet pip-audit \
		&& $(AUDIT)/bin/pip-audit --progress-spinner off --no-deps --disable-pip -r constraints.txt -f json \
			-o $(AUDIT)/found.json 2>/dev/null
	@$(BIN)/python -m benchmarks.audit $(AUDIT)/found.json

clean:
	rm -rf $(VENV) .venv-peers $(AUDIT) demo acceptance paper build dist docs/_build *.egg-info
