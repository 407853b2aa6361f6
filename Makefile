# Two commands matter: `make demo` and `make test`. Each sets up all it needs; a second run needs no network.
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
# Where a tool loads ONNX Runtime by itself (decision 0079).
export ORT_DISABLE_TELEMETRY := 1
# Compiled once: what is set up here starts some hundred processes, and each would compile every library for itself.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE
IN ?=
LOOK ?= default
ONLY ?=
ROUNDS ?= 8
SEED ?= 1
STOP ?= 0
WITHIN ?=
CARDS ?=
BASE ?= python:3.11-slim
TAG ?= latest
# Where there is a card, no further process: tests of its memory look at all of it.
WORKERS ?= $(if $(wildcard /dev/nvidia[0-9]*),0,2)
DOCKER_BUILD ?= docker build
LOCKING := --quiet --universal --generate-hashes --python-version 3.11 --no-header -c requirements.lock

.PHONY: help setup models peers demo test lint format bench faults cluster looks lock proto images clean gpu-setup gpu-test gpu-bench
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/.ready ## make .venv with the locked dependencies

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8'

.venv/.ready: requirements.lock pyproject.toml | $(filter .uv/bin/uv,$(UV))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Visavis needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes requirements.lock
	VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

models: setup ## download, check and convert the models (once)
	$(BIN)/visavis models prepare

demo: models ## beautify a clip through the whole service: out/demo.mp4 (IN=my.mp4 for your own)
	$(BIN)/visavis demo $(if $(IN),"$(IN)") --look '$(LOOK)'

test: models peers ## run every test, two files at a time (WORKERS=0: one after the other)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# What tests publish to and fetch from. Without it they are skipped and say so. No service is started: policy-rc.d forbids it.
peers:
	@tests/system/install_peers.sh

lint: setup ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config .importlinter.toml --no-cache

format: setup ## let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: models ## measure speed, delay, memory and accuracy: out/bench.json (ONLY="peer calm" for some)
	$(BIN)/python -m tests.bench $(ONLY)

faults: models ## kill every process at every named point: out/faults.json (ROUNDS=8 SEED=1; STOP=20 stops them for 20 s)
	$(BIN)/python -m tests.faults --rounds $(ROUNDS) --seed $(SEED) --stop-seconds $(STOP) $(if $(ONLY),--only $(ONLY))

gpu-setup: setup ## make .venv with what a lane on an NVIDIA card needs, and its bench (CUDA 13 and cuDNN 9 are the system's)
	VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes requirements-gpu.lock
	VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation --editable .

gpu-test: models ## run the tests that need a card; elsewhere each says why it is skipped
	$(BIN)/python -m pytest -m gpu

gpu-bench: models ## measure the lane on the card: out/gpu-bench.json (ONLY="decode detect" for some; WITHIN=540 seconds; CARDS=4)
	$(BIN)/python -m tests.gpu $(ONLY) $(if $(WITHIN),--within $(WITHIN)) $(if $(CARDS),--cards $(CARDS))

lock: setup ## renew the locks from pyproject.toml
	$(UV) pip compile --quiet --upgrade --universal --generate-hashes --extra demo --extra dev --python-version 3.11 --no-header pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --extra demo --extra dev --extra gpu --extra profile --python-version 3.11 --no-header -c requirements.lock --no-emit-package onnxruntime pyproject.toml -o requirements-gpu.lock
	$(UV) pip compile --quiet --universal --generate-hashes --extra serverless --python-version 3.11 --no-header -c requirements.lock pyproject.toml -o deploy/serverless/requirements.lock
	$(UV) pip compile $(LOCKING) pyproject.toml -o deploy/locks/cli.txt
	for group in ingest detect render gateway sbom; do $(UV) pip compile $(LOCKING) --group $$group -o deploy/locks/$$group.txt || exit; done
	for group in ingest-cuda detect-cuda render-cuda; do $(UV) pip compile $(LOCKING) --no-emit-package onnxruntime --group $$group -o deploy/locks/$$group.txt || exit; done

cluster: models ## lose nodes of NATS, lanes and hosts: out/cluster.json (ROUNDS=10 ONLY="elections lanes" for some)
	$(BIN)/python -m tests.faults.cluster --rounds $(ROUNDS) $(if $(ONLY),--only $(ONLY))

looks: models ## draw every effect: docs/looks.png, and renew the tables of docs/looks.md
	$(BIN)/python -m tests.derived.looks_page
	$(BIN)/python -m tests.derived.looks_sheet

proto: setup ## write looks.proto from the definition of looks, and generate visavis/v1 from its .proto
	$(BIN)/python -m tests.derived.looks_proto
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. visavis/v1/*.proto

images: ## build the services' container images, for the CPU (BASE=python:3.11-slim TAG=latest)
	for target in gateway ingest detect render cli; do \
	    DOCKER_BUILDKIT=1 $(DOCKER_BUILD) -f deploy/Dockerfile --target $$target --build-arg BASE=$(BASE) --build-arg PIP_INDEX_URL -t visavis-$$target:$(TAG) . || exit; \
	done

clean: ## remove what set-up, demo and tests made
	rm -rf .venv .uv out var .mypy_cache .ruff_cache .pytest_cache .hypothesis
