# Everything that a person or CI runs. `make help` lists the targets.
#
# Four environments, as their tools pin each other's dependencies apart: the code and its tests, the embedded local
# stack (what functions on it find as their runtime), SAM CLI with the template's linters, and the other clients that the
# benchmarks compare with.

PYTHON ?= python3
ARGS ?=
VENV := .venv
VENV_STACK := .venv-stack
VENV_SAM := .venv-sam
VENV_RIVALS := .venv-rivals

# A stamp is older than a changed lock and missing for another interpreter: both rebuild the environment.
PYTHON_VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())')
DEV := $(VENV)/.built-$(PYTHON_VERSION)
STACK := $(VENV_STACK)/.built-$(PYTHON_VERSION)
SAM := $(VENV_SAM)/.built-$(PYTHON_VERSION)
RIVALS := $(VENV_RIVALS)/.built-$(PYTHON_VERSION)

WITHOUT_A_STACK := --ignore=tests/e2e --ignore=tests/browser
IN_PROJECT := PYTHONPATH=layers/common:.
PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run sync provider check format test test-quick test-e2e test-browser test-convergence screenshots staff openapi bench lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-16s %s\n", $$1, $$2}'

setup: $(DEV) $(STACK) $(SAM) ## Build the environments (every other target does it by itself)

# exec: a shell between make and these would end at Ctrl-C, and make with it, before they have cleaned up.
run: setup ## See a district's nights on the local stack (ARGS=--once: end after the reports)
	@exec env $(IN_PROJECT) $(VENV)/bin/python -m local run $(ARGS)

sync: setup ## The same against any provider (ARGS="--base-url URL --all-schools"; ARGS=--help lists all)
	@exec env $(IN_PROJECT) $(VENV)/bin/python -m local sync $(ARGS)

provider: $(DEV) ## Start the sample provider alone, to sync from it (ARGS="--users 500"; ARGS=--help lists all)
	@exec env $(IN_PROJECT) $(VENV)/bin/python -m local.sample_provider $(ARGS)

check: $(DEV) $(SAM) ## Check format, lint, types, imports and the template
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(IN_PROJECT) $(VENV)/bin/lint-imports
	$(VENV_SAM)/bin/cfn-lint template.yaml -a cfn_lint_serverless.rules
	$(VENV_SAM)/bin/sam validate --lint --config-env local

format: $(DEV) ## Format the code and mend what ruff can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

test: setup ## Run all tests: unit, contracts, integration, template; end to end on the local stack, by API and browser; two at a time
	@$(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) test-quick test-e2e test-browser

test-quick: $(DEV) $(STACK) ## Run all tests but the end-to-end ones
	$(VENV)/bin/pytest -n 2 --dist worksteal $(WITHOUT_A_STACK)

test-e2e: setup ## Run the end-to-end tests on the local stack
	$(VENV)/bin/pytest tests/e2e

test-browser: setup ## Run the portal's tests in Chromium, on a local stack of their own
	$(VENV)/bin/pytest tests/browser

screenshots: setup ## Take the screenshots of the portal that the documentation shows
	@$(IN_PROJECT) $(VENV)/bin/python -m tests.browser.screenshots

test-convergence: $(DEV) ## Simulate nights in which anything goes wrong (NIGHTS=10000, or SEED=n for one district)
	$(VENV)/bin/pytest -n 2 --dist worksteal tests/convergence

staff: $(DEV) ## Look after districts of a deployed stack (ARGS="districts"; ARGS=--help lists all)
	@exec $(VENV)/bin/python -m staff $(ARGS)

openapi: $(DEV) ## Write the API's description from its code
	@$(IN_PROJECT) $(VENV)/bin/python -m local.openapi

bench: setup $(RIVALS) ## Print the figures of the benchmarks
	@$(IN_PROJECT) $(VENV)/bin/python -m bench $(ARGS)

lock: $(DEV) ## Compile the lock files from their .in files (ARGS=--upgrade: newest releases)
	$(PIP_COMPILE) $(ARGS) --output-file layers/common/requirements.txt layers/common/requirements.in
	$(PIP_COMPILE) $(ARGS) --output-file requirements-dev.txt requirements-dev.in
	$(PIP_COMPILE) $(ARGS) --output-file local/requirements-stack.txt local/requirements-stack.in
	$(PIP_COMPILE) $(ARGS) --output-file local/requirements-sam.txt local/requirements-sam.in
	$(PIP_COMPILE) $(ARGS) --output-file bench/requirements-rivals.txt bench/requirements-rivals.in

clean: ## Remove environments, build output, caches and the local stack's state
	rm -rf $(VENV) $(VENV_STACK) $(VENV_SAM) $(VENV_RIVALS) .aws-sam .local .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# One recipe for all. A lock is complete, so nothing is resolved again (--no-deps): pip's resolver, given hashes,
# rejects pins with extras.
$(DEV): requirements-dev.txt
$(STACK): local/requirements-stack.txt
$(SAM): local/requirements-sam.txt
$(RIVALS): bench/requirements-rivals.txt
$(DEV) $(STACK) $(SAM) $(RIVALS):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed. If you have it by another name: make PYTHON=python3.13 ...")'
	@echo "Building $(@D) from $<"
	@rm -f $(@D)/.built-*
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python local/install.py $<
	@[ $(@D) != $(VENV) ] || echo "$(CURDIR)/layers/common" > "$$($(@D)/bin/python -c 'import site; print(site.getsitepackages()[0])')/roster_sync.pth"
	@touch $@
