# The few commands people type. Needs only python3 (3.11 or later): everything else goes into .venv.
# Options go through ARGS:  make up ARGS="--port 9000"   make test ARGS="-k interval"

UV_VERSION := 0.13.9
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.synced
RINGS := domain application infrastructure projections interfaces
LOG_TESTS := $(addprefix tests/infrastructure/,event_log/test_append.py event_log/test_group_commit.py \
    event_log/test_event_store.py database/test_roles.py jobs/test_job_queue.py) \
    $(addprefix tests/projections/,engine/test_projector.py read_models/test_double_booking_guard.py \
    read_models/test_appointment.py read_models/test_directory.py)
ARGS ?=

# .venv here and its Python, whatever environment the caller has switched on.
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
export UV_PYTHON := $(CURDIR)/$(BIN)/python
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

# One process more than there are processors: many tests wait for a time to pass. The longest begin first
# (tests/conftest.py), and a process without tests left takes some of another's.
WORKERS = $$($(BIN)/python -c 'import os; print(os.cpu_count() + 1)')
PYTEST = $(BIN)/pytest --dist worksteal
OTHER_POSTGRES := $(patsubst %/initdb,%,$(wildcard /usr/lib/postgresql/*/bin/initdb))
LINTERS := lint-lock lint-types lint-style lint-format lint-rings lint-dependencies lint-security lint-description \
    lint-migrations lint-scripts lint-image lint-compose lint-documents
COMPOSE := tests/system/compose
# Generators of clients and linters of docs/openapi.json have locked packages of their own.
CLIENTS := tests/system/clients
CLIENT_TOOLS := .cache/clients
CLIENT_PYTHON := $(CLIENT_TOOLS)/python/.synced
CLIENT_NODE := $(CLIENT_TOOLS)/node_modules/.synced
SCRIPTS := $(addprefix docker/,backup prepare restore rollout rotate) $(wildcard docker/*.sh docker/*/*.sh) $(CLIENTS)/lint $(COMPOSE)/lint .ci/run
GENERATE = $(CURDIR)/$(CLIENT_TOOLS)/python/bin/openapi-python-client generate --meta none --overwrite \
    --path docs/openapi.json --config $(CLIENTS)/openapi-python-client.yaml

.DEFAULT_GOAL := help
.PHONY: help install up check test test-system test-one-other-postgres test-other-postgres torture faults soak \
    compose-test watch-test browser screenshots bench bench-quick bench-growth lint $(LINTERS) types format documents openapi lock clean mails clients client-tools sbom

help: ## show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## install the packages of uv.lock into .venv

up: $(STAMP) ## start Daybook with its own PostgreSQL and Redis; Ctrl-C stops it
	@$(BIN)/daybook up --year $(ARGS)

check: lint ## run all checks, and every test that needs no server
	$(PYTEST) -n $(WORKERS) -m "not servers" --hypothesis-profile ci $(ARGS)

test: lint ## run all checks, then all tests but the long ones
	$(PYTEST) -n $(WORKERS) -m "not long" --hypothesis-profile ci $(ARGS)
	@test -n "$(ARGS)" || $(MAKE) --no-print-directory test-one-other-postgres

test-busy: $(STAMP) ## run all tests but the long ones TIMES (3) times, beside four processes that only count
	@trap 'kill $$hogs' EXIT; for _ in 1 2 3 4; do $(BIN)/python -c 'while True: pass' & hogs="$$hogs $$!"; done; \
	for run in $$(seq $(or $(TIMES),3)); do echo "run $$run"; \
	    $(PYTEST) -n $(WORKERS) -m "not long" --hypothesis-profile ci $(ARGS) || exit 1; done

test-system: $(STAMP) client-tools ## run the long suites in full: journeys, workers, faults, torture
	$(PYTEST) -n $(WORKERS) tests/system --ignore tests/system/compose --ignore tests/system/watch --hypothesis-profile thorough --timeout 3600 $(ARGS)
	$(PYTEST) -n $(WORKERS) -m "(hypothesis and not long) or long" tests --ignore tests/system --hypothesis-profile thorough --timeout 3600 $(ARGS)
	$(MAKE) --no-print-directory faults torture
	$(MAKE) --no-print-directory test-other-postgres OTHER_POSTGRES="$(wordlist 2,99,$(OTHER_POSTGRES))"

test-one-other-postgres: $(STAMP)
	@$(MAKE) --no-print-directory test-other-postgres OTHER_POSTGRES="$(firstword $(OTHER_POSTGRES))"

test-other-postgres: $(STAMP) ## test event log and read models on other PostgreSQL versions
	@for bin in $(OTHER_POSTGRES); do echo "on $$($$bin/postgres --version)"; \
	    POSTGRES_BIN=$$bin $(PYTEST) -n auto -q --hypothesis-profile ci $(LOG_TESTS) || exit 1; done

torture: $(STAMP) ## kill, cut and pause everything under load (ARGS="--minutes 10")
	$(BIN)/pytest tests/system/torture --minutes 2 --log-cli-level=INFO $(ARGS)

faults: $(STAMP) ## cause every fault of docs/faults.md that needs no Docker; 5,000 reminders while workers are killed
	$(BIN)/pytest tests/system/faults --reminders 5000 --log-cli-level=INFO $(ARGS)
	$(BIN)/pytest tests -m fault --ignore tests/system/faults --ignore tests/system/compose $(ARGS)

soak: $(STAMP) ## run under load for HOURS (1) or MINUTES: memory, files, logs, dead rows, queues, bytes a booking
	$(BIN)/pytest tests/system/soak --soak $(or $(MINUTES),$$(awk 'BEGIN { print 60 * $(or $(HOURS),1) }')) $(ARGS)

compose-test: $(STAMP) ## start both compose files with Docker, book, replace containers under load, stop
	@docker compose version >/dev/null 2>&1 || { echo "make compose-test needs Docker with Compose." >&2; exit 1; }
	@command -v age >/dev/null || { echo "make compose-test needs the package age, which encrypts backups." >&2; exit 1; }
	$(BIN)/pytest tests/system/compose --timeout 3600 -p no:randomly -s $(ARGS)

watch-test: $(STAMP) ## start Prometheus and Grafana beside both compose files: targets, panels, alerts
	@docker compose version >/dev/null 2>&1 || { echo "make watch-test needs Docker with Compose." >&2; exit 1; }
	$(BIN)/pytest tests/system/watch --timeout 3600 -p no:randomly -s $(ARGS)

browser: $(STAMP) ## look at all pages with headless Chromium (ARGS="--screenshots folder")
	$(PYTEST) -n $(WORKERS) tests/system/browser $(ARGS)

screenshots: $(STAMP) ## take pictures of all pages of the panel (ARGS=folder)
	@$(BIN)/python -m tests.system.browser.pictures $(or $(ARGS),.cache/screenshots)

bench: $(STAMP) ## measure speed, each figure beside its control (ARGS="append book")
	@$(BIN)/python -m bench $(ARGS)

bench-growth: $(STAMP) ## measure with 10 thousand and 2 million events; takes long
	@$(BIN)/python -m bench growth $(ARGS)

bench-quick: $(STAMP) ## run every benchmark with tiny sizes, to see that it works
	@$(BIN)/python -m bench --quick $(ARGS)

mails: $(STAMP) ## write the HTML of every mail, for review (ARGS=folder)
	@PYTHONPATH=. $(BIN)/python -m tests.infrastructure.mail.gallery $(or $(ARGS),.cache/mails)

lint: $(STAMP) ## check style, types, rings, dependencies, security, migrations, scripts, image
	@$(MAKE) --no-print-directory --jobs=4 $(if $(filter output-sync,$(.FEATURES)),--output-sync) --keep-going $(LINTERS)

lint-lock:
	$(BIN)/uv lock --check --offline --quiet
lint-types:
	$(BIN)/mypy
lint-style:
	$(BIN)/ruff check
lint-format:
	$(BIN)/ruff format --check
lint-rings:
	$(BIN)/lint-imports --cache-dir .cache/import-linter
lint-dependencies:
	$(BIN)/deptry .
lint-security:
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(RINGS)
lint-migrations:
	$(BIN)/squawk --config infrastructure/migrations/squawk.toml infrastructure/migrations/versions/*.sql
lint-scripts:
	$(BIN)/shellcheck $(SCRIPTS)
lint-image:
	$(BIN)/hadolint Dockerfile
lint-compose:
	@$(COMPOSE)/lint
lint-documents:
	$(BIN)/python -m tests.documents --check
lint-description: $(CLIENT_TOOLS)/.linted

# Once for each version of the document.
$(CLIENT_TOOLS)/.linted: docs/openapi.json $(CLIENTS)/lint $(wildcard $(CLIENTS)/*.yaml) | client-tools
	@$(CLIENTS)/lint docs/openapi.json $(CLIENT_TOOLS)
	@touch $@

client-tools: $(CLIENT_PYTHON)
	@command -v node >/dev/null || exit 0; $(MAKE) --no-print-directory $(CLIENT_NODE)

$(CLIENT_PYTHON): $(CLIENTS)/uv.lock $(STAMP)
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/$(CLIENT_TOOLS)/python $(BIN)/uv sync --project $(CLIENTS) --frozen --quiet
	@touch $@

$(CLIENT_NODE): $(CLIENTS)/package-lock.json
	@cp $(CLIENTS)/package.json $(CLIENTS)/package-lock.json $(CLIENT_TOOLS)
	@npm ci --prefix $(CLIENT_TOOLS) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

clients: $(STAMP) client-tools ## generate clients in Python and TypeScript, and play a story with each
	$(BIN)/pytest tests/system/clients $(ARGS)

types: $(STAMP) ## check types only
	$(BIN)/mypy

format: $(STAMP) ## rewrite the code in the house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

documents: $(STAMP) ## write the parts of docs/ that are made from the code
	@$(BIN)/python -m tests.documents

openapi: $(STAMP) ## print the OpenAPI document
	@$(BIN)/daybook openapi $(ARGS)

lock: $(BIN)/uv ## update uv.lock after a change of pyproject.toml
	$(BIN)/uv lock $(ARGS)

sbom: $(BIN)/uv ## write what the image is made of, as CycloneDX (ARGS=file)
	$(BIN)/uv export --frozen --no-default-groups --format cyclonedx1.5 --output-file $(or $(ARGS),.cache/sbom.json) --quiet

clean: ## delete the environment and the caches; data in .local stays
	rm -rf $(VENV) .cache .hypothesis build dist *.egg-info
	find $(RINGS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): uv.lock pyproject.toml $(BIN)/uv
	@printf 'Installing the packages of uv.lock into $(VENV) (a minute the first time) '
	@$(BIN)/uv sync --frozen --inexact --compile-bytecode --quiet & installing=$$!; \
	    while kill -0 $$installing 2>/dev/null; do printf '.'; sleep 1; done; echo; wait $$installing
	@touch $@

$(BIN)/uv: Makefile
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Daybook needs Python 3.11 or later: try make PYTHON=python3.13")'
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
