# One word runs everything. Only Python >= 3.11 and make are needed; versions are pinned in constraints.txt.
# Prefer a Python that every pinned wheel exists for, 3.11 to 3.13; a later one may do.
has = $(firstword $(foreach p,$(2),$(if $(shell $(p) -c "import sys; v = sys.version_info; sys.exit(not (v >= (3, 11) and v $(1) (3, 14)))" 2>/dev/null && echo yes),$(p))))
PYTHON ?= $(or $(call has,<,python3 python3.13 python3.12 python3.11),$(call has,>=,python3))
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
ARGS ?=
FINDER ?=

.PHONY: run install wheel test test-all lint format docs bench peers model help-page clean

run: install
	$(BIN)/digitwise run $(if $(DATA),--data $(DATA))

install: $(VENV)/.installed

# The source distribution and the wheel, in dist/.
wheel: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

# A lost worker ends the run, as pytest-xdist may wait for ever for the one that replaces it.
# One thread each for matrices: those of several workers would wait for each other.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --max-worker-restart 0 --durations=10

# What takes more than 5 s and guards a rare path has the marker slow.
test: $(VENV)/.dev
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.dev
	$(PYTEST)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The site, in site/; a broken link, an omitted page or a request to another site is an error.
docs: $(VENV)/.dev
	$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.peers
	$(BIN)/python benchmarks/bench.py $(ARGS)

peers: $(VENV)/.peers

# Fresh bundled models, about three hours on two cores; FINDER="--steps 30000 --batch 64" on a GPU. The one in the package
# had ALSO="optdigits.npz semeion.npz": images and labels of UCI's two sets, which MODEL_CARD.md names.
model: install
	$(BIN)/digitwise train reader --validation 10000 --out results/reader-first $(if $(DATA),--data $(DATA)) $(ALSO:%=--also %)
	$(BIN)/digitwise train reader --validation 10000 --out results/reader $(if $(DATA),--data $(DATA)) $(ALSO:%=--also %) \
		--start-from results/reader-first --epochs 12 --seed 1
	$(BIN)/digitwise export results/reader
	cp results/reader/model.onnx src/digitwise/reading/model.onnx  # which digitwise would not replace: git wrote it
	$(BIN)/python -m digitwise.training.finder --out results/finder.npz $(if $(DATA),--data $(DATA)) $(FINDER)
	$(BIN)/python -m digitwise.exporting.finder results/finder.npz src/digitwise/reading/finder.onnx
	$(BIN)/python -m digitwise.training.trust $(if $(DATA),--data $(DATA))
	$(BIN)/python docs/model_card.py

help-page: $(VENV)/.dev
	$(BIN)/python docs/help.py
	$(BIN)/python docs/checks_page.py

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "digitwise needs Python 3.11 or later; found none (give one with make PYTHON=...)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv"; exit 2; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.peers: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,peers]'
	@touch $@
