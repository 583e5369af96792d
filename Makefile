# The commands that always work, on a fresh Debian machine as root, from a clean checkout: make demo, make test, make check.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
APT := git iproute2 openssh-client mmdebstrap debian-archive-keyring busybox-static util-linux shellcheck python3-venv

.PHONY: help setup system demo test check unit lab-test conformance schema corpus bench-apply soak-crash soak-dials clean

help: ## Show this.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

setup: system .venv/.ready ## Install what is needed: Debian packages, and the Python packages into .venv.

# apt is asked only for what dpkg does not have, so that a second run is instant and needs no network
system:
	@missing=; for package in $(APT); do dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; fi

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup ## The whole story on virtual hosts on this machine: plan, apply, verify, break, heal, destroy.
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

check: setup ## The fast inner loop: format, lint, types, import contracts, unit tests.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	shellcheck -x $$(git ls-files '*.sh') .ci/run
	$(BIN)/pytest -q -m 'not lab'

test: check ## All tests, those on real hosts too.
	$(BIN)/pytest -q -m lab

unit: setup ## The tests that need no hosts.
	$(BIN)/pytest -q -m 'not lab'

lab-test: setup ## The tests on real hosts.
	$(BIN)/pytest -q -m lab

schema: setup ## Write schemas/topology.schema.json from the model.
	$(BIN)/ovctl schema > schemas/topology.schema.json

corpus: setup ## Record what each engine says of the test cases, on virtual hosts (root): tests/corpus/.
	$(BIN)/python -m tests.corpus.record

bench-apply: setup ## First apply of 40 containers over 2 hosts against the raw engine API, ten times: docs/results/apply.json.
	$(BIN)/python -m bench.apply

soak-crash: setup ## kill -9 of apply at random moments, 20 times: docs/results/crash.json.
	$(BIN)/python -m bench.crash

soak-dials: setup ## The same, while a fifth of the engines' dials to the store fail: docs/results/dials.json.
	$(BIN)/python -m bench.crash --dials 0.2 --out docs/results/dials.json

clean: ## Take the labs down and remove what was built here.
	-[ ! -x $(BIN)/ovctl ] || { $(BIN)/ovctl lab down; $(BIN)/ovctl lab --name test down; $(BIN)/ovctl lab --name labtest down; }
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
