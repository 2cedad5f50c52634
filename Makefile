# make help says what there is. PYTHON chooses the interpreter: make PYTHON=python3.13 test
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 1800
BIN := .venv/bin
# Chosen tests may all be fast or all be slow; pytest's status 5 says that it found none.
NONE_IS_FINE = $(if $(ARGS),|| test $$? = 5)
# node and npm come from a Python package, so that nothing needs root.
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: serve
serve: ## Install if need be, then serve on http://127.0.0.1:8000 for development (HUBBUB_PORT=… for another port)
	@$(PYTHON) scripts/make_venv.py redis
	@exec $(BIN)/hubbub serve --dev

.PHONY: test
test: venv node_modules/.made test-packages engines ## Run every test: the fast ones, then the slow ones (ARGS=… is passed to pytest)
	@$(if $(ARGS),,$(BIN)/node --test --test-reporter=dot client/test/*.test.js)
	@$(WITH_NODE) $(BIN)/pytest -q -n 2 --dist loadfile -m 'not slow and not soak' $(ARGS) $(NONE_IS_FINE)
	@$(WITH_NODE) $(BIN)/pytest -q -n 2 --dist loadfile -m 'slow and not soak' $(ARGS) $(NONE_IS_FINE)

.PHONY: chaos
chaos: venv node_modules/.made test-packages ## Kill, freeze and cut off every part of a service of many processes, at length; says what that did
	@$(WITH_NODE) HUBBUB_CHAOS=long $(BIN)/pytest -q -rA -m 'slow and not soak' tests/chaos $(ARGS)

.PHONY: fuzz
fuzz: ## Feed strange bytes to everything that reads a stranger's, for FUZZ_SECONDS=600 in all (ARGS=… names targets)
	@$(PYTHON) scripts/make_venv.py testing fuzz
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

.PHONY: soak
soak: venv node_modules/.made test-packages ## A real server in daily life for SOAK_SECONDS=1800, then the long form of tests (ARGS=… is passed to pytest)
	@$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS)
	@$(WITH_NODE) $(BIN)/pytest -q -m soak $(ARGS) $(NONE_IS_FINE)

.PHONY: check
check: venv node_modules/.made ## Lint, formatting, types (Python and JavaScript), import rules
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@found=$$($(BIN)/lint-imports --no-logo) || { echo "$$found"; exit 1; }
	@$(BIN)/node node_modules/typescript/bin/tsc --project tsconfig.json
	@$(BIN)/node scripts/build_client.mjs --check

.PHONY: bench
bench: ## Measure beside a C loop and other servers; the report is bench/report/index.html (ARGS='frames --runs 1' for some)
	@$(PYTHON) scripts/make_venv.py bench
	@scripts/install-bench-packages
	@$(BIN)/python -m bench $(ARGS)

.PHONY: client
client: venv node_modules/.made ## Write what is made of the client's modules: one small file, and their types
	@$(BIN)/node scripts/build_client.mjs

.PHONY: format
format: venv ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

.PHONY: screenshots
screenshots: ## Take the README's pictures of the running demo anew (docs/watch.png, docs/phone.png)
	@$(PYTHON) scripts/make_venv.py test
	@scripts/install-test-packages
	@$(BIN)/python scripts/make_screenshots.py

.PHONY: docs
docs: venv ## Write the generated page docs/settings.md
	@$(BIN)/python -m hubbub.config.page > docs/settings.md

.PHONY: clean
clean: ## Remove what was made here, except databases
	@rm -rf .engines .venv .venv.lock node_modules bench/.build build dist .fuzz .hypothesis .schemathesis .coverage
	@rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: venv
venv:
	@$(PYTHON) scripts/make_venv.py test check

.PHONY: engines
engines: | venv
	@scripts/install-dynamodb-local

.PHONY: test-packages
test-packages:
	@scripts/install-test-packages

node_modules/.made: package.json | venv
	@$(WITH_NODE) $(BIN)/npm install --loglevel=error --no-audit --no-fund --no-package-lock >/dev/null
	@touch $@
