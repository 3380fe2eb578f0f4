# One environment, .venv, made on first use; a second call finds it and goes straight to work.
#
#   PYTHON       the interpreter to make it with; by default the first of 3.11 or newer in PATH
#   TORCH_INDEX  an index to fetch torch from, for a machine without a GPU:
#                make demo TORCH_INDEX=<the address of PyTorch's CPU wheels>
#   ARGS         more arguments for pytest, the demo or a benchmark: make test ARGS="-k store"
#   WORKERS      how many processes run tests beside each other, 3 by default, as each waits for others at times;
#                0 for one that --pdb works in
#   BENCHMARKS   which: make bench BENCHMARKS=benchmarks/store.py

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs serve-docs bench clean

PYTHON ?= $(firstword $(foreach name,python3 python3.11 python3.12 python3.13 python3.14,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(name))))
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.made-for-demo
DEV := $(VENV)/.made-for-development
# Modules are compiled when they are first imported, also where PYTHONDONTWRITEBYTECODE is set: pip would compile all of
# them, which takes longer than to unpack them, and most of torch's are never imported.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE
PACKAGES := core dashboard registry plugins/bidviz-metric-gradnorm plugins/bidviz-policy-schedules
PROJECTS := $(PACKAGES:%=%/pyproject.toml)
BUNDLES := $(filter-out $(PACKAGES),$(sort $(wildcard plugins/*)))
WORKERS ?= 3
# Kilobytes of memory that a file system in it must have free for the tests to keep their files there: each run's file is
# synchronised with the disk many times, and on a busy disk they wait for that. Set TMPDIR to keep them elsewhere.
ROOM := 4000000
BENCHMARKS ?= $(sort $(wildcard benchmarks/*.py))

help: ## Say what can be made
	@echo "BIDViz: look into a training that is running, without stopping it."
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(DEMO) ## Train on handwritten digits and print the dashboard's address
	@$(BIN)/bidviz demo digits $(ARGS)

# pip has one processor busy. Meanwhile Chromium and npm's packages are brought, and the page's modules tested. Style, types
# and docs are checked beside the tests, where those leave a processor free.
test: ## Run everything that must pass before a change goes in
	@status=0; \
	$(MAKE) --no-print-directory $(BIN)/python || exit; \
	.ci/chromium >/dev/null & browser=$$!; \
	modules=$(VENV)/modules.txt; \
	{ ! command -v npm || { (cd tests && ../$(BIN)/python -c "from support.node_modules import bring; bring()") \
		&& cd dashboard/ui && npm test; }; } > $$modules 2>&1 & tested=$$!; \
	$(MAKE) --no-print-directory $(DEV) || exit; \
	wait $$browser; \
	wait $$tested || { status=1; cat $$modules; }; \
	said=$(VENV)/lint-and-docs.txt; \
	{ nice -n 19 $(MAKE) --no-print-directory --keep-going lint docs > $$said 2>&1 || { cat $$said; exit 1; }; } & beside=$$!; \
	chromium=$$(.ci/chromium $(BIN)/python) || status=1; \
	room=$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $$4 }'); \
	if [ -z "$$TMPDIR" ] && [ "$${room:-0}" -gt $(ROOM) ] && [ -w /dev/shm ]; then \
		export TMPDIR=$$(mktemp -d /dev/shm/bidviz-tests-XXXXXX); trap 'rm -rf "$$TMPDIR"' EXIT; fi; \
	BIDVIZ_CHROMIUM="$$chromium" OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} \
		$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) || status=1; \
	wait $$beside || { status=1; cat $$said; }; \
	exit $$status

lint: $(DEV) ## Check style, format and types
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy core/src/bidviz_core registry/src/bidviz_registry dashboard/src/bidviz_dashboard

format: $(DEV) ## Put the code into its format, and mend what can be mended
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

docs: $(DEV) ## Build the documentation into site/, warnings being errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The documentation is in site/index.html."

serve-docs: $(DEV) ## Show the documentation at http://127.0.0.1:8000 while it is written
	@$(BIN)/mkdocs serve

bench: $(DEV) ## Measure what watching costs, beside a bare loop
	@for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python $$script $(ARGS) || exit 1; done

clean: ## Remove the environment and everything that was built
	rm -rf $(VENV) site dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "BIDViz needs Python 3.11 or newer, and none is in PATH: install one, or name it with make PYTHON=…" >&2; exit 2; fi
	@echo "Making $(VENV) with $(PYTHON). This is done once."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian, venv is a package of its own: apt-get install python3-venv" >&2; exit 1; }
	@$(PIP) --upgrade pip || true  # the one that comes with Python 3.11 works too, but chooses versions in thrice the time

# torch goes first and by pip: resolved together with the rest, it may be fetched in several builds of gigabytes each.
# What of it is imported, with what an optimizer brings, is compiled while pip goes on.
$(DEMO): constraints.txt $(PROJECTS) | $(BIN)/python
	@echo "Installing torch. This takes a while."
	@$(PIP) torch $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
	@echo "Installing BIDViz and what its demos need."
	@{ $(BIN)/python -c "import torch, torch._dynamo" >/dev/null 2>&1 || true; } & \
	$(PIP) hatchling editables scikit-learn && \
	$(PIP) --no-build-isolation $(PACKAGES:%=-e %) || exit; wait
	@touch $@

# While pip has one processor busy, the other one compiles what the tests import, and the tests themselves: else each of
# the processes that run them would.
$(DEV): $(DEMO) requirements-test.txt requirements-dev.txt $(BUNDLES:%=%/pyproject.toml)
	@echo "Installing what the tests need."
	@$(PIP) -r requirements-test.txt
	@[ -z "$(BUNDLES)" ] || $(PIP) --no-build-isolation $(BUNDLES:%=-e %)
	@{ $(BIN)/python -m pytest --collect-only --quiet >/dev/null 2>&1 || true; } & \
	$(PIP) -r requirements-dev.txt || exit; wait
	@touch $@
