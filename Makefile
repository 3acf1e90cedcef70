# The one runner: people and CI call the same targets. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.ONESHELL:
.SUFFIXES:
.DELETE_ON_ERROR:

STEP := scripts/step.sh
BIN := .venv/bin
PYTHON ?=
export PYTHON
# pyo3 must not take another Python in the tests than in the build of the package.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What the native module is made of. A stamp is newer than all that went into what it stands for.
NATIVE := pyproject.toml Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -o -name Cargo.toml)
STAMPS := .venv/stamps

.PHONY: help demo test pytest rust-test lint node-clients bench bench-proxy bench-client bench-doctor soak docs fuzz miri clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMPS)/surehop ## set everything up and show two incidents, as nginx has them and as Surehop has them
	@$(BIN)/python -m surehop.lab.demo

test: ready-to-test pytest rust-test lint ## set everything up and pass all tests
	@echo "== all tests passed"

pytest: $(STAMPS)/dev ## Python tests; ARGS="tests/conf -k server" chooses
	@$(STEP) --loud "Python tests" $(BIN)/python -m pytest $(ARGS)

rust-test: $(STAMPS)/venv ## Rust tests
	@$(STEP) "compiling the Rust tests" cargo test --workspace --locked --no-run
	$(STEP) --loud "Rust tests" cargo test --workspace --locked --quiet

lint: $(STAMPS)/dev ## style, types, the stub of the native module, who imports whom
	@scripts/need.sh cargo && scripts/need.sh lint
	failed=
	check() { $(STEP) "$$@" || failed="$$failed, $$1"; }
	check "ruff check" $(BIN)/ruff check
	check "ruff format" $(BIN)/ruff format --check
	check "cargo fmt" cargo fmt --all --check
	check "cargo clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
	check "mypy" $(BIN)/mypy
	check "stubtest" $(BIN)/python -m mypy.stubtest surehop._core
	check "import-linter" $(BIN)/lint-imports
	loud() { $(STEP) --loud "$$@" || failed="$$failed, $$1"; }
	loud "cargo-deny" scripts/audit.sh rust
	loud "pip-audit" scripts/audit.sh python
	[ -z "$$failed" ] || { echo "lint: $${failed#, } failed" >&2; exit 1; }

node-clients: ## Node's HTTP clients (axios, undici), which some tests compare with
	@$(STEP) "installing Node's clients" scripts/node_clients.sh

bench: bench-proxy bench-client bench-doctor ## all benches

bench-proxy: $(STAMPS)/surehop ## CPU per request beside nginx and HAProxy, into bench/results; ARGS="--quick" for a look, "--many" for many servers
	@$(BIN)/python -m bench.proxy $(ARGS)

bench-client: $(STAMPS)/surehop ## CPU per request of the client beside other clients, into bench/results; ARGS="--quick" for a look
	@$(BIN)/python -m bench.client $(ARGS)

bench-doctor: $(STAMPS)/surehop ## how long logs of 1 GB take to be read, beside wc, ripgrep, polars and goaccess; ARGS="--quick" for a look
	@$(BIN)/python -m bench.doctor $(ARGS)

soak: $(STAMPS)/surehop ## ten minutes of load, reloads and failing origins; ARGS="--seconds 30 --seed N"
	@$(BIN)/python -m surehop.lab.soak $(ARGS)

fuzz: $(STAMPS)/dev ## bytes and configurations made up by machines, a short time; ARGS="request 3600" chooses
	@if ! $(BIN)/python -c 'import atheris' 2>/dev/null; then
		$(STEP) "installing atheris" $(BIN)/python -m pip install --group fuzz || true
	fi
	scripts/fuzz.sh $(ARGS)

miri: $(STAMPS)/venv ## engine and wire, interpreted: undefined behaviour is seen where it happens (slow)
	@scripts/need.sh miri
	export MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=2
	$(STEP) --loud "Miri" cargo +nightly miri test --package surehop-wire --package surehop-engine $(ARGS)

docs: $(STAMPS)/surehop ## write the reference pages that are generated
	@$(BIN)/python scripts/reference.py

clean: ## remove the environment, builds and caches
	rm -rf .venv target .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis src/surehop/_core*.so

# What needs no build is told before one is begun.
.PHONY: ready-to-build ready-to-test
ready-to-build:
	@scripts/need.sh python >/dev/null
	scripts/need.sh cc

ready-to-test: ready-to-build
	@scripts/need.sh cargo && scripts/need.sh lint

$(STAMPS)/venv: | ready-to-build
	@python=$$(scripts/need.sh python)
	$(STEP) "making .venv with $$python" "$$python" -m venv .venv
	$(STEP) "bringing pip up to date" $(BIN)/python -m pip install --upgrade 'pip>=25.1'
	mkdir -p $(STAMPS)
	touch $@

$(STAMPS)/surehop: $(NATIVE) | $(STAMPS)/venv
	@if command -v cargo >/dev/null; then scripts/need.sh cargo; else
		echo "== cargo is not here: the build tries to fetch Rust for itself"
	fi
	$(STEP) "building and installing surehop (release; some minutes the first time)" \
		$(BIN)/python -m pip install --editable '.[lab]' || { scripts/need.sh cargo; exit 1; }
	# As a package that is not editable has it: where none may be written, every start would compile.
	$(BIN)/python -m compileall -q src/surehop
	touch $@

$(STAMPS)/dev: pyproject.toml $(STAMPS)/surehop
	@$(STEP) "installing what the tests need" $(BIN)/python -m pip install --group dev
	touch $@
