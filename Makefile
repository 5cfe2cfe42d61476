# Everything a fresh machine needs comes from here: `make demo` and `make test` set up on their own.
# Tools are kept outside the tree, by version: $PHOENIX_CACHE, by default ~/.cache/phoenix-gitops.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
JOBS ?= 2
PYTEST_ARGS ?=

.PHONY: help setup demo test proof lint fmt type check snap bench wheel

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## .venv and cue; does nothing if they are up to date
	@scripts/setup-venv
	@$(BIN)/python scripts/get_tool.py cue >/dev/null

demo: setup ## compile every environment and show what came out
	@$(BIN)/python scripts/demo.py

test: setup ## all tests but those that need the judges of `make proof`
	@$(BIN)/python -m pytest -n $(JOBS) -m 'not proof' $(PYTEST_ARGS)
	@$(BIN)/python scripts/unproved.py

proof: setup ## what is generated before the real judges (an API server, collectors, promtool, ...), which it builds
	@scripts/proof $(PYTEST_ARGS)

lint: setup ## ruff
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

fmt: setup ## format and mend what ruff can
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

type: setup ## mypy --strict
	@$(BIN)/mypy --strict

check: setup ## generated/ is what the policies compile to
	@$(BIN)/phoenix compile --check

snap: setup ## accept what changed in golden files; then read `git diff`
	@$(BIN)/python -m pytest -n $(JOBS) -m 'not proof' --snapshot-update $(PYTEST_ARGS)

bench: setup ## measure; figures in bench/README.md
	@$(BIN)/python -m bench

wheel: setup ## dist/*.whl
	@PIP_CONSTRAINT=scripts/constraints.txt $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl
