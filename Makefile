# What a developer does with this project; `make help` lists it. Nothing is installed outside the checkout.

# The virtual environment's folder, and the Python to make it with: the first of the usual names that is new enough
# when none is given. Another folder holds another Python beside it: make test VENV=.venv-3.13 PYTHON=python3.13
VENV ?= .venv
PYTHON ?=
ARGS ?=
# How many processes run the tests side by side; 0 runs them in one.
WORKERS ?= auto
# What `make build` builds the Lambda package for.
PYTHON_VERSION ?= 3.13
ARCHITECTURE ?= x86_64
REGION ?= eu-west-1

VENV_PYTHON := $(VENV)/bin/python
# What builds the layer, also where a test calls `sam build`; the test's own make finds the same environment.
export BUILD_PYTHON := $(abspath $(VENV_PYTHON))
export VENV
INSTALLED := $(VENV)/.installed
NODE := $(VENV)/.node
NODE_FOLDERS := local/database local/page
NODE_PACKAGES := $(NODE_FOLDERS:%=%/node_modules/.package-lock.json)
SAM := .sam/.installed
SAM_COMMAND := SAM_CLI_TELEMETRY=0 .sam/bin/sam
# A lock names every package, so pip has nothing to resolve. If it resolved, it would look for `pydantic[email]` apart
# from the locked pydantic, take the newest release and refuse it. Wheels alone, because building one resolves too.
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps
INSTALL_LOCK := $(PIP_INSTALL) --require-hashes --only-binary :all: --requirement
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-find-links
NOT_IN_LAYER = $(addprefix --no-emit-package ,$(shell grep -v '^\#' layer/not-in-layer.txt))

.DEFAULT_GOAL := help
.PHONY: help venv run lambda test test-slow coverage check bench build deploy rollback validate template-local format lock \
	hooks clean FORCE

help: ## list the goals
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

venv: $(NODE) ## set up the virtual environment and Node.js, as every other goal does where it needs them
	@:

run: venv ## start the local server; ARGS="--port 9000" hands it options
	@$(VENV_PYTHON) local_server.py serve $(ARGS)

lambda: venv ## run the Lambda functions behind one local address; ARGS="--payload 1.0" hands it options
	@$(VENV_PYTHON) local_server.py lambda $(ARGS)

test: venv ## run the fast tests; ARGS="-k title" hands pytest options, WORKERS=2 runs them side by side
	@$(VENV_PYTHON) -m pytest --numprocesses $(WORKERS) -m "not slow" $(ARGS)

test-slow: venv ## run the slow tests: kills, outages, what is built
	@$(VENV_PYTHON) -m pytest --numprocesses $(WORKERS) -m slow $(ARGS)

coverage: venv ## run all the tests, fast and slow, and measure what they cover
	@$(VENV_PYTHON) -m pytest --numprocesses $(WORKERS) --cov $(ARGS)

check: venv ## lint, check format and types, and keep the layers apart
	@$(VENV_PYTHON) -m ruff check
	@$(VENV_PYTHON) -m ruff format --check
	@$(VENV)/bin/tombi format --offline --check
	@$(VENV)/bin/tombi lint --offline
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -m pytest tests/test_layers.py

build: venv $(SAM) ## build the Lambda package; PYTHON_VERSION=3.13 ARCHITECTURE=x86_64 say for what
	@LAMBDA_PYTHON=$(PYTHON_VERSION) LAMBDA_ARCHITECTURE=$(ARCHITECTURE) $(VENV_PYTHON) -m layer.package $(ARGS)

deploy: ## build the Lambda package and deploy it; ARGS="--guided" the first time
	@$(MAKE) --no-print-directory build ARGS=
	@$(SAM_COMMAND) deploy --no-fail-on-empty-changeset $(ARGS)

rollback: $(SAM) ## let the deployed functions answer with the version before the last deployment
	@.sam/bin/python -m layer.rollback $(ARGS)

validate: $(SAM) ## lint the Lambda package's template
	@$(SAM_COMMAND) validate --lint --region $(REGION)

template-local: venv ## write template.local.yaml, for SAM's local commands, from template.yaml
	@$(VENV_PYTHON) -m local.lambdas.sam_template

bench: venv ## measure the service beside a bare relay; ARGS="--quick", ARGS="first_word events"
	@$(VENV_PYTHON) -m bench $(ARGS)

format: venv ## format the code and mend what ruff can
	@$(VENV_PYTHON) -m ruff check --fix-only
	@$(VENV_PYTHON) -m ruff format
	@$(VENV)/bin/tombi format --offline

lock: venv ## resolve the dependencies anew into the lock files, without any registry's address
	$(COMPILE) --upgrade pyproject.toml --extra dev --output-file requirements.lock
	$(VENV_PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["node"])' \
		| $(COMPILE) --upgrade - --output-file local/requirements-node.lock
	$(COMPILE) --upgrade pyproject.toml --extra otel --output-file container/requirements.lock
	$(COMPILE) --upgrade pyproject.toml layer/requirements.in $(NOT_IN_LAYER) --output-file layer/requirements.lock
	$(COMPILE) --upgrade layer/requirements-sam.in --output-file layer/requirements-sam.lock
	for folder in $(NODE_FOLDERS); do (cd $$folder && npm install --package-lock-only --no-audit --no-fund) || exit; done
	$(VENV_PYTHON) -m locks.read_metadata

hooks: venv ## install the pre-commit hooks, which check each commit with ruff and Tombi
	@$(VENV_PYTHON) -m pre_commit install

clean: ## remove what was installed and cached, but not the data in .data
	rm -rf $(VENV) .sam .aws-sam $(NODE_FOLDERS:%=%/node_modules) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_PYTHON):
	@for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.13 python3.12 python3.11); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "creating $(VENV) with $$python"; \
			"$$python" -m venv $(VENV) && exit; \
			rm -rf $(VENV); exit 1; \
		fi; \
	done; \
	echo 'Python 3.11 or newer is needed; make PYTHON=/path/to/python names one' >&2; exit 1

$(INSTALLED): requirements.lock pyproject.toml | $(VENV_PYTHON)
	@echo 'installing the locked dependencies into $(VENV) (a minute or so the first time)'
	@$(VENV_PYTHON) $(INSTALL_LOCK) requirements.lock
	@$(VENV_PYTHON) $(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

$(SAM): layer/requirements-sam.lock | $(VENV_PYTHON)
	@echo 'installing the AWS SAM command line into .sam (a minute or so the first time)'
	@$(VENV_PYTHON) -m venv --clear .sam
	@.sam/bin/python $(INSTALL_LOCK) $<
	@touch $@

$(NODE): $(INSTALLED) $(NODE_FOLDERS:%=%/package-lock.json) local/requirements-node.lock $(if $(filter-out $(wildcard $(NODE_PACKAGES)),$(NODE_PACKAGES)),FORCE)
	@$(VENV_PYTHON) -m local.node
	@touch $@
