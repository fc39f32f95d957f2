# Everything a fresh clone needs: make demo, make test. Asks only for Python 3.11 or later and make.
PYTHON ?= python3
# LightGBM's idle threads spin unless told to sleep, which slows everything else on the machine.
export OMP_WAIT_POLICY := passive

BIN := .venv/bin
BENCHMARKS := $(patsubst benchmarks/%.py,%,$(filter-out %/__init__.py %/timing.py %/peers.py %/receiving.py,$(wildcard benchmarks/*.py)))

.PHONY: demo test check bench lock clean
.NOTPARALLEL:

demo: .venv/.demo
	$(BIN)/suasion demo

test: .venv/.dev
	$(BIN)/pytest -n auto --durations=10

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest tests/shape

bench: .venv/.dev
	@test -n "$(BENCHMARKS)" || { echo "benchmarks/ holds no benchmark." >&2; exit 1; }
	@set -e; for name in $(BENCHMARKS); do echo "$$name"; $(BIN)/python -m benchmarks.$$name --quick; done

clean:
	rm -rf .venv demo build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# --- the environment ---------------------------------------------------------------------------
# A stamp is older than its lock or pyproject.toml only when there is something to install.
# The dev lock contains the demo lock, with the same versions, so it stamps both.

PIP := $(BIN)/pip -q --disable-pip-version-check --no-input

define install
@echo "Installing locks/$(1).txt into .venv: a minute or two the first time."
@$(PIP) install --require-hashes -r locks/build.txt
@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r locks/$(1).txt
@$(PIP) install --no-deps --no-build-isolation -e .
endef

.venv/.demo: locks/build.txt locks/demo.txt pyproject.toml | $(BIN)/pip
	$(call install,demo)
	@touch $@

.venv/.dev: locks/build.txt locks/dev.txt pyproject.toml | $(BIN)/pip
	$(call install,dev)
	@touch .venv/.demo $@

missing = { echo "suasion needs $(1). On Debian or Ubuntu: apt-get install $(2)" >&2; exit 1; }

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || $(call missing,Python 3.11 or later,python3 python3-venv)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || $(call missing,Python 3.11 or later,python3.11 python3.11-venv and then make PYTHON=python3.11)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call missing,venv and ensurepip,python3-venv)
	@$(PYTHON) -c 'import ctypes, sys; sys.platform != "linux" or ctypes.CDLL("libgomp.so.1")' 2>/dev/null \
	  || $(call missing,libgomp.so.1 for LightGBM,libgomp1)
	@$(PYTHON) -m venv .venv

# --- the locks -----------------------------------------------------------------------------------
# One resolution of everything first, so that every lock agrees on every version.

COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url
EVERYTHING := locks/.everything.txt

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	rm -f locks/*.txt
	$(COMPILE) pyproject.toml --all-extras --group build -o $(EVERYTHING)
	$(COMPILE) --group build -c $(EVERYTHING) -o locks/build.txt
	$(COMPILE) pyproject.toml --extra demo -c $(EVERYTHING) -o locks/demo.txt
	$(COMPILE) pyproject.toml --extra demo --extra dev -c $(EVERYTHING) -o locks/dev.txt
	$(COMPILE) pyproject.toml --extra postgres -c $(EVERYTHING) -o locks/postgres.txt
	$(COMPILE) pyproject.toml --extra spark -c $(EVERYTHING) -o locks/spark.txt
	$(COMPILE) pyproject.toml --extra bench -c $(EVERYTHING) -o locks/bench.txt
	rm $(EVERYTHING)
