# Two commands a newcomer needs: make demo, make test. The rest is for those who change the code.

# The first interpreter that really is Python 3.11 or newer; a shim that only says so is passed over.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
unexport PYTHONDONTWRITEBYTECODE  # the tests start many processes: let them keep what they compile
RUN := $(VENV)/bin/python -m
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet

# One more than there are cores: many tests wait for a server or a browser.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
CHECKS := formatted lint contracts types flaws packages units

.PHONY: demo test check $(CHECKS) format generate conformance bench scale soak screenshots dist clean

demo: $(VENV)/.demo  ## load the demo hospital and serve it on this machine
	$(VENV)/bin/careplane serve --demo

test: $(VENV)/.dev  ## every test, on every engine
	$(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not soak"

check: $(VENV)/.dev  ## format, lint, contracts, types, known flaws, unit tests: under a minute
	@rm -f $(VENV)/failed-*
	@$(MAKE) --no-print-directory --jobs --keep-going $(TOGETHER) $(CHECKS) || \
	{ echo "Failed: $$(cd $(VENV) && echo failed-* | sed s/failed-//g)"; exit 1; }

# All at once; what each says is printed when it has ended.
TOGETHER := $(if $(filter output-sync,$(.FEATURES)),--output-sync)
FAILED = { touch $(VENV)/failed-$@; false; }

formatted:
	@$(RUN) ruff format --check . || $(FAILED)

lint:
	@$(RUN) ruff check . || $(FAILED)

contracts:
	@$(VENV)/bin/lint-imports --no-logo || $(FAILED)

types:
	@$(RUN) mypy || $(FAILED)

flaws:
	@$(RUN) bandit -q -c pyproject.toml -r src || $(FAILED)

packages:
	@$(RUN) tools.audit_packages || $(FAILED)

units:
	@$(RUN) pytest -n auto tests/unit tests/house -m "not slow and not browser and not soak" || $(FAILED)

format: $(VENV)/.dev
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

generate: $(VENV)/.dev  ## tables and code from the FHIR definitions and UCUM; leaves no diff
	$(RUN) tools.generate
	$(RUN) tools.generate_ucum

conformance: $(VENV)/.dev  ## run the official suites, and write docs/conformance.md
	$(RUN) tools.conformance

bench: $(VENV)/.dev  ## measure, and write docs/benchmarks.md, trust-measured.md, meaning-measured.md
	$(RUN) tools.bench
	$(RUN) tools.bench.trust --out docs/trust-measured.md
	$(RUN) tools.bench.meaning --out docs/meaning-measured.md

scale: $(VENV)/.dev  ## the same questions to 33 thousand resources and to a million
	$(RUN) tools.bench.scale --out docs/scale-measured.md

soak: $(VENV)/.dev  ## the tests that take minutes
	$(RUN) pytest -m soak

screenshots: $(VENV)/.dev  ## docs/screenshots in a real browser
	$(RUN) tools.screenshots
	$(RUN) tools.screens

dist: $(VENV)/.dev
	$(PIP) build && $(RUN) build

clean:
	rm -rf $(VENV) dist build

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Careplane needs Python 3.11 or newer; set PYTHON=/path/to/it" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

CATALOGUES := $(wildcard src/careplane/words/locale/*/LC_MESSAGES/*.po)

$(VENV)/.demo: $(VENV)/bin/python pyproject.toml constraints.txt $(CATALOGUES)
	$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt $(CATALOGUES)
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo
