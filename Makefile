# Everything here is a line or two that you could type. `make try` and `make test` need only
# Python >= 3.10 and make; PYTHON=python3.12 picks another interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: try test bench catalog pictures clean

try: $(VENV)/.installed
	$(BIN)/bedrock-claude verify-creds --sandbox
	$(BIN)/bedrock-claude list-models --sandbox --quiet
	$(BIN)/bedrock-claude ask --sandbox --quiet "Hello, world"

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/wholes.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/before.py
	$(BIN)/python benchmarks/markdown.py
	$(BIN)/python benchmarks/logs.py
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/million.py
	$(BIN)/python benchmarks/submit.py
	$(BIN)/python benchmarks/kills.py

catalog: $(VENV)/.installed-dev
	$(BIN)/python catalog/build.py

pictures: $(VENV)/.installed-dev
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Without compiling all of moto it takes a third less time.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[sandbox]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ $(VENV)/.installed
