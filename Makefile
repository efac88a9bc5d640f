# What a developer does with this project; `make help` lists it. Nothing is installed outside the checkout.

# The Python to make .venv with; the first of the usual names that is new enough when it is not given.
PYTHON ?=
ARGS ?=
# What `make build` builds the Lambda package for.
PYTHON_VERSION ?= 3.13
ARCHITECTURE ?= x86_64
REGION ?= eu-west-1

VENV_PYTHON := .venv/bin/python
INSTALLED := .venv/.installed
NODE := .venv/.node
NODE_PACKAGES := local/database/node_modules/.package-lock.json
SAM := .sam/.installed
SAM_COMMAND := SAM_CLI_TELEMETRY=0 .sam/bin/sam
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-find-links

# What Lambda's own Python has already, and what only a server of our own wants.
NOT_IN_LAYER := $(addprefix --no-emit-package ,boto3 botocore s3transfer httptools uvloop watchfiles)

.DEFAULT_GOAL := help
.PHONY: help venv run test check bench build validate format lock hooks clean FORCE

help: ## list the goals
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

venv: $(NODE) ## set up .venv and Node.js, as every other goal does where it needs them
	@:

run: venv ## start the local server; ARGS="--port 9000" hands it options
	@$(VENV_PYTHON) local_server.py serve $(ARGS)

test: venv ## run the tests with their coverage; ARGS="--no-cov -k title" hands pytest options
	@$(VENV_PYTHON) -m pytest --cov $(ARGS)

check: venv ## lint, check format and types, and keep the layers apart
	@$(VENV_PYTHON) -m ruff check
	@$(VENV_PYTHON) -m ruff format --check
	@$(VENV_PYTHON) -m mypy
	@$(VENV_PYTHON) -m pytest tests/test_layers.py

build: venv $(SAM) ## build the Lambda package; PYTHON_VERSION=3.13 ARCHITECTURE=x86_64 say for what
	@LAMBDA_PYTHON=$(PYTHON_VERSION) LAMBDA_ARCHITECTURE=$(ARCHITECTURE) $(SAM_COMMAND) build --build-in-source \
		--parameter-overrides PythonVersion=$(PYTHON_VERSION) Architecture=$(ARCHITECTURE) $(ARGS)

validate: $(SAM) ## lint the Lambda package's template
	@$(SAM_COMMAND) validate --lint --region $(REGION)

bench: venv ## measure the service beside a bare relay; ARGS="--quick", ARGS="first_word events"
	@$(VENV_PYTHON) -m bench $(ARGS)

format: venv ## format the code and mend what ruff can
	@$(VENV_PYTHON) -m ruff check --fix-only
	@$(VENV_PYTHON) -m ruff format

lock: venv ## resolve the dependencies anew into the lock files, without any registry's address
	$(COMPILE) --upgrade pyproject.toml --extra dev --output-file requirements.lock
	$(VENV_PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["node"])' \
		| $(COMPILE) --upgrade - --output-file local/requirements-node.lock
	$(COMPILE) --upgrade pyproject.toml --output-file container/requirements.lock
	$(COMPILE) --upgrade pyproject.toml layer/requirements.in $(NOT_IN_LAYER) --output-file layer/requirements.lock
	$(COMPILE) --upgrade layer/requirements-sam.in --output-file layer/requirements-sam.lock
	cd local/database && npm install --package-lock-only --no-audit --no-fund

hooks: venv ## install the pre-commit hooks, which check each commit with ruff and Tombi
	@$(VENV_PYTHON) -m pre_commit install

clean: ## remove what was installed and cached, but not the data in .data
	rm -rf .venv .sam .aws-sam local/database/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_PYTHON):
	@for python in $(if $(PYTHON),'$(PYTHON)',python3 python3.13 python3.12 python3.11); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "creating .venv with $$python"; \
			"$$python" -m venv .venv && exit; \
			rm -rf .venv; exit 1; \
		fi; \
	done; \
	echo 'Python 3.11 or newer is needed; make PYTHON=/path/to/python names one' >&2; exit 1

$(INSTALLED): requirements.lock pyproject.toml | $(VENV_PYTHON)
	@echo 'installing the locked dependencies into .venv (a minute or so the first time)'
	@$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(SAM): layer/requirements-sam.lock | $(VENV_PYTHON)
	@echo 'installing the AWS SAM command line into .sam (a minute or so the first time)'
	@$(VENV_PYTHON) -m venv --clear .sam
	@.sam/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

$(NODE): $(INSTALLED) local/database/package-lock.json local/requirements-node.lock $(if $(wildcard $(NODE_PACKAGES)),,FORCE)
	@$(VENV_PYTHON) -m local.node
	@touch $@
