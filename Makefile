# Two commands on a fresh machine: `make run` and `make test`. Each installs what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NATIVE := $(wildcard sfu/dataplane/*.pyx sfu/dataplane/*.pxd benchmarks/native/*.pyx benchmarks/native/*.pxd)
SERVE ?=
TESTS ?= tests

.PHONY: help run test quality test-asan check bench screenshots image clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(VENV)/.run: pyproject.toml setup.py scripts/setup $(NATIVE)
	scripts/setup run "$(PYTHON)" $(VENV)
	@touch $@

$(VENV)/.test: pyproject.toml setup.py scripts/setup $(NATIVE)
	scripts/setup test "$(PYTHON)" $(VENV)
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## set up and start the server (SERVE="--http-port 9000" for flags)
	$(BIN)/ciranda serve $(SERVE)

test: $(VENV)/.test ## set up and run every test (TESTS=tests/unit for some)
	$(BIN)/python -m pytest $(TESTS)
	@if [ "$(TESTS)" = tests ]; then $(MAKE) --no-print-directory test-asan; fi

quality: $(VENV)/.test ## the slow tests: media over bad links, long meetings (TESTS=… for some)
	$(BIN)/python -m pytest -m slow $(TESTS)

test-asan: $(VENV)/.test ## fuzz and stress the data plane under AddressSanitizer
	scripts/asan $(BIN)/python

check: $(VENV)/.test ## lint, format and types, all strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test ## measure load beside the machine's own floor, and what people wait for (BENCH="ramp" for others, "--help" lists them)
	$(BIN)/ciranda bench $(BENCH)
	@if [ -z "$(BENCH)" ]; then $(BIN)/ciranda bench page; fi

screenshots: $(VENV)/.test ## render every view of the page (SHOTS="--view lobby" for some)
	$(BIN)/python -m scripts.screenshots $(SHOTS)

image: ## build and try the image's steps in a bare Debian (needs root; no Docker)
	scripts/try-image

clean: ## remove everything that was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f {sfu/dataplane,benchmarks/native}/*.{so,c}
