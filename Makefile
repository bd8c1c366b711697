# Every target sets up what it needs: a Python >= 3.11, make and a package index are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header
IMAGE_LOCK := docs/scaling/requirements.lock

export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
# What one process has compiled, the hundred others of a run need not compile again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo up test faults fuzz lint lock lock-check audit bench bench-peers simulate debian-packages

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## build .venv from requirements.lock, once for each lock

$(READY): requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "mfn needs Python 3.11, 3.12 or 3.13, and this is " + sys.version.split()[0] + ": run make PYTHON=python3.12")'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	awk '/^[a-z]/ {keep = /^uv==/} keep' requirements.lock > $(VENV)/uv.lock
	$(PIP) --require-hashes --only-binary :all: --requirement $(VENV)/uv.lock
	$(UV) --require-hashes --compile-bytecode --requirement requirements.lock \
		|| $(PIP) --require-hashes --only-binary :all: --requirement requirements.lock # where only pip knows the index
	$(PIP) --no-build-isolation --no-deps --editable .
	@touch $(READY)

demo: $(READY) ## a day of Amazon orders through a local Amazon, Prefect and a local warehouse
	$(BIN)/mfn demo

up: $(READY) ## everything on this machine: Prefect server and worker, every deployment, the report site
	$(BIN)/mfn up

test: $(READY) ## the whole test suite
	$(BIN)/python -m pytest --numprocesses 4 # more than cores: those with a Prefect server or a browser mostly wait

faults: $(READY) ## every flow under every fault, on SQLite and PostgreSQL: what was lost, doubled or wrong (half an hour)
	$(BIN)/python -m tests.faults.matrix

fuzz: $(READY) ## answers, files and rows that were tampered with, a hundred times as many as the suite tries (ten minutes)
	MFN_FUZZ=1 $(BIN)/python -m pytest --numprocesses 2 tests/property -k fuzz

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) ## orders a second and stock runs beside a floor of the same run, calls beside the least that Amazon's plan allows
	$(BIN)/python -m benchmarks.cost_curve --sizes 1000 10000 100000
	$(BIN)/python -m benchmarks.import_parts
	$(BIN)/python -m benchmarks.confirm_shipments
	$(BIN)/python -m benchmarks.sync_inventory

bench-peers: $(READY) ## the same orders through this project and through others: speed, and what arrives when replies fail (ten minutes)
	$(BIN)/python -m benchmarks.peers

simulate: $(READY) ## a local Amazon on port 8480
	$(BIN)/mfn simulate

lock: $(READY) ## write requirements.lock, and the image's, from pyproject.toml; and that of airbyte's source
	$(COMPILE) --group dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --group image --constraint requirements.lock --output-file $(IMAGE_LOCK) pyproject.toml
	$(COMPILE) --output-file benchmarks/peers/airbyte.lock benchmarks/peers/airbyte.in

lock-check: $(READY) ## both locks still answer to pyproject.toml
	cp requirements.lock $(VENV)/requirements.lock.before
	cp $(IMAGE_LOCK) $(VENV)/image.lock.before
	$(COMPILE) --group dev --output-file $(VENV)/requirements.lock.before pyproject.toml
	$(COMPILE) --group image --constraint requirements.lock --output-file $(VENV)/image.lock.before pyproject.toml
	diff -u requirements.lock $(VENV)/requirements.lock.before
	diff -u $(IMAGE_LOCK) $(VENV)/image.lock.before

audit: $(READY) ## known faults in what the locks pin, where the advisories can be reached
	$(BIN)/python .ci/audit.py requirements.lock $(IMAGE_LOCK)

debian-packages: ## what the tests use of Debian's packages: chromium, Redis, PostgreSQL with contrib; without them those tests are skipped
	.ci/debian-packages
