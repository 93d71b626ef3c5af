# make demo: install and run the embedded demo · make test: the tests · make check: ruff and mypy · make browser, make sclite: for tests of pages and exports
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench browser sclite clean

demo: .venv/.installed
	@$(BIN)/harness benchmark || { status=$$?; [ $$status -eq 3 ] && \
	  echo "Exit status 3: measured, and the policy is violated, as this demo is made to show."; }

test: .venv/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadscope

check: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/.installed-dev
	for each in benchmarks/*.py; do $(BIN)/python $$each || exit 1; done

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.installed-test: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

# What the tests of pages need beside Python: a Chromium (Debian's; elsewhere install one) and axe-core.
browser:
	command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || { echo "no chromium: tests of pages will skip"; [ -z "$$CI" ]; }
	! command -v npm >/dev/null || npm ci --silent --no-audit --no-fund --prefix tests/browser || { echo "no axe-core: its test will skip"; [ -z "$$CI" ]; }

# NIST's sclite, which a test of exports compares with (Debian's; elsewhere build SCTK); without it the recorded counts stand.
sclite:
	command -v sclite >/dev/null || command -v sctk >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get install -y -qq sctk >/dev/null; } || echo "no sclite: tests against it will skip"

.venv/.installed-dev: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf .venv runs .pytest_cache .mypy_cache .ruff_cache
