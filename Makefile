# make demo: the main job on what is always there. make test: the checks. Each does its own set-up.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
READY = $(VENV)/.ready

.PHONY: demo test

demo: $(READY)
	$(VENV)/bin/python -m train.run_privynet --flagfile=flags/presets/demo.flags --workdir=runs/demo

test: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

$(READY): requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --progress-bar off -r requirements-dev.txt
	touch $@
