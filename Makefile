# serve: set all up and start the service.   test: set all up and run the tests.
VENV := .venv
PYTHON ?= python3
RUN := $(VENV)/bin

.PHONY: serve test check bench fuzz docs golden clean

serve: $(VENV)/ready
	$(RUN)/agentpond serve

test: $(VENV)/ready
	$(RUN)/pytest -n auto $(ARGS)

check: $(VENV)/ready
	$(RUN)/ruff check . && $(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

bench: $(VENV)/ready
	$(RUN)/python -m benches $(ARGS)

fuzz: $(VENV)/ready
	$(RUN)/python -m tests.fuzz $(ARGS)

docs: $(VENV)/ready
	$(RUN)/python docs/generate.py

golden: $(VENV)/ready
	$(RUN)/pytest tests/golden --update-golden

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) dist
