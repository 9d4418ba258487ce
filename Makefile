# Everything a developer or an operator runs. `make help` lists it.

PYTHON ?= python3
STAGE ?= dev
# One more than cores, since tests of the embedded stack mostly wait.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
# A published version keeps the environment it was published with: another mark, and all are
# published anew. After data was put in the place of other data: make deploy RELEASE=any-new-word
RELEASE = $(shell cat template.yaml samconfig.toml | cksum | tr ' ' -)
BIN := .venv/bin
export SAM_CLI_TELEMETRY := 0
export PYTHONPATH := layers/cardvault:.

.DEFAULT_GOAL := help

##@ Two commands to begin with
.PHONY: demo
demo: install ## An order on its whole way, on this machine, in one go
	@$(BIN)/python -m local.demo

.PHONY: test
test: install ## Every test; needs no AWS account and no Docker
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: coverage
coverage: override ARGS += --cov
coverage: test ## As `make test`, and that they run 97 % of the product; slower

.PHONY: soak
soak: install ## The races at length: RACERS=200 RACE_ROUNDS=20 unless you say otherwise
	@RACERS=$${RACERS:-200} RACE_ROUNDS=$${RACE_ROUNDS:-20} $(BIN)/python -m pytest \
		tests/embedded/test_delivery_races.py tests/embedded/test_gift_cards.py $(ARGS)

.PHONY: fuzz
fuzz: install ## Requests drawn from docs/openapi.yaml, at length: FUZZ_EXAMPLES=200 an operation unless you say otherwise
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} $(BIN)/python -m pytest tests/embedded/test_fuzz.py $(ARGS)

.PHONY: mutants
mutants: install ## How many small changes of the product no test notices: MUTANTS=200 SEED=1 unless you say otherwise
	@$(BIN)/python -m tests.mutation

##@ A stack to play with
.PHONY: up
up: install ## Serve the embedded stack until Ctrl-C or `make down`; prints a curl for each step
	@$(BIN)/python -m local.up

.PHONY: down
down: install ## Stop what `make up` started
	@$(BIN)/python -m local.up --stop

##@ The gate
.PHONY: check
check: lint audit secrets coverage ## The whole gate, as CI runs it

.PHONY: lint
lint: install ## Style, types, import direction, template, OpenAPI
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml
	AWS_DEFAULT_REGION=eu-west-1 $(BIN)/sam validate --lint
	$(BIN)/openapi-spec-validator docs/openapi.yaml

.PHONY: openapi
openapi: install ## Write docs/openapi.yaml from docs/openapi.base.yaml and the code
	$(BIN)/python -m local.openapi

.PHONY: audit
audit: install .venv-checkov/.installed ## checkov over the template; .checkov.yaml has each exception's reason
	@mkdir -p .local # checkov reads no YAML with merges, and takes a file that it cannot read for a clean one
	@$(BIN)/python -c 'import json, sys; from samtranslator.yaml_helper import yaml_parse; \
		json.dump(yaml_parse(sys.stdin.read()), sys.stdout, indent=1)' < template.yaml > .local/template.json
	@.venv-checkov/bin/checkov --config-file .checkov.yaml > .local/checkov.txt; status=$$?; \
		cat .local/checkov.txt; ! grep -q "Parsing errors" .local/checkov.txt && exit $$status

.PHONY: secrets
secrets: install ## No file holds a secret; what is allowed is in .ci/secrets
	@.ci/secrets

.PHONY: vulnerabilities
vulnerabilities: .venv-pip-audit/.installed ## Known ones of all that is locked; asks the network
	@for lock in requirements/*.txt layers/dependencies/requirements.txt; do \
		.venv-pip-audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement $$lock || exit 1; \
	done

.PHONY: bench
bench: install ## Calls, transitions and times, side by side in one run
	@$(BIN)/python -m benchmarks $(ARGS)

##@ AWS
.PHONY: deploy
deploy: install ## Build and deploy to AWS: STAGE=dev or prod of samconfig.toml
	PYTHON="$(abspath $(BIN)/python)" RELEASE="$(RELEASE)" $(BIN)/sam build --config-env $(STAGE)
	$(BIN)/python -m local.rollout $(STAGE)

.PHONY: protect
protect: install ## Set stack-policy.json on the deployed stack; `make deploy` does it too
	$(BIN)/python -m local.rollout --protect $(STAGE)

##@ Upkeep
.PHONY: install
install: .venv/.installed .venv-runtime/.installed ## Virtual environments from the lock files

.PHONY: lock
lock: install ## Write the lock files anew from the *.in files
	@sh requirements/lock.sh $(BIN)/uv

.PHONY: hooks
hooks: install ## Style and secrets are checked before each commit
	$(BIN)/pre-commit install

.PHONY: clean
clean: ## Remove everything that was built or installed
	rm -rf .venv .venv-* .aws-sam .local .coverage .pytest_cache .mypy_cache .ruff_cache

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- virtual environments: made when their lock file is newer -----------------------------------

.venv/.installed: requirements/dev.txt
	@sh requirements/install.sh $(PYTHON) .venv requirements/dev.txt

.venv-runtime/.installed: requirements/runtime.txt
	@sh requirements/install.sh $(PYTHON) .venv-runtime requirements/runtime.txt

.venv-checkov/.installed: requirements/checkov.txt
	@sh requirements/install.sh $(PYTHON) .venv-checkov requirements/checkov.txt

.venv-pip-audit/.installed: requirements/pip-audit.txt
	@sh requirements/install.sh $(PYTHON) .venv-pip-audit requirements/pip-audit.txt
