# What can be run here; `make` alone lists it. Every target sets up .venv first, and again when
# setup.cfg or requirements.lock changed. PYTHON=... chooses the interpreter of .venv.

SHELL := /bin/bash
BIN := .venv/bin
# mypy and import-linter read files, so they cannot see that the folders are rooms of one package.
LINKED := build/linked
# Two processes, each with a Spark session: one leaves half of two cores idle. A file's tests stay
# together, and those of the engine, the longest, begin.
TWO := -n 2 --dist loadfile --no-loadscope-reorder

# For JVMs that live for a minute, two at a time: no second compiler, no threads for their garbage.
SMALL_JVM := JAVA_TOOL_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

.PHONY: help setup demo test lint types linked test-kill test-cluster test-long \
	notebooks bench-engine bench-sources bench-extraction bench-language bench-personal-data \
	bench-repeated-text bench-models bench-signals bench-signatures bench-duplicates \
	bench-explore lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' Makefile

setup: ## make .venv from requirements.lock, fetch Java and Delta's jars where missing
	@PYTHON="$(PYTHON)" .ci/setup

demo: setup ## curate the text of the installed Python environment into ./warehouse
	@$(BIN)/winnow demo

test: lint types ## check style, types and the direction of imports, then run the tests
	@$(BIN)/python -m pytest -m "not slow" $(TWO)

lint: setup linked ## check style, formatting and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONPATH=$(LINKED) $(BIN)/lint-imports --config setup.cfg --no-cache

types: setup linked ## check types, strictly
	@MYPYPATH=$(LINKED) $(BIN)/mypy -p winnow

linked:
	@rm -rf $(LINKED) && mkdir -p $(LINKED)/winnow
	@ln -s $(CURDIR)/jobs/* $(CURDIR)/udfs $(CURDIR)/schemas $(CURDIR)/conf $(LINKED)/winnow

test-kill: setup ## kill the driver at every step of a run (minutes)
	@$(BIN)/python -m pytest -m slow -k kill

test-cluster: setup ## run the pipelines on a cluster of two workers on this machine (minutes)
	@$(BIN)/python -m pytest -m slow -k cluster

test-long: setup ## run the other long tests: recipes, duplicates, repeated text, decontamination, what-if (minutes)
	@$(BIN)/python -m pytest -m slow -k "not kill and not cluster"

notebooks: setup ## run the notebooks on a warehouse of the demo's, or on WAREHOUSE=... (minutes); build/notebooks holds them then
	@mkdir -p build/notebooks && cp notebooks/*.py build/notebooks
	@$(if $(WAREHOUSE),,$(BIN)/winnow demo --warehouse build/notebooks/warehouse >/dev/null)
	@$(BIN)/jupytext --quiet --to ipynb build/notebooks/*.py
	@WINNOW_WAREHOUSE=$(abspath $(or $(WAREHOUSE),build/notebooks/warehouse)) $(SMALL_JVM) \
		$(BIN)/python -m pytest -n 2 --nbmake --nbmake-timeout=600 --overwrite build/notebooks/*.ipynb

bench-engine: setup ## time the stages of a run on a larger corpus
	@$(BIN)/python benchmarks/engine.py

bench-sources: setup ## time the readers beside the libraries they stand on, and weigh them
	@$(BIN)/python benchmarks/sources.py

bench-extraction: setup ## score the extraction of main texts on labelled pages
	@$(BIN)/python benchmarks/extraction.py

bench-language: setup ## score the naming of languages beside other detectors
	@$(BIN)/python benchmarks/language.py

bench-signatures: setup ## count MinHash signatures a second beside datasketch and rensa
	@$(BIN)/python benchmarks/signatures.py

bench-duplicates: setup ## remove duplicates beside datatrove and text-dedup, at three sizes and under skew (an hour)
	@$(BIN)/python benchmarks/duplicates.py

bench-personal-data: setup ## score the finding of personal data on labelled text
	@$(BIN)/python benchmarks/personal_data.py

bench-signals: setup ## time the measuring of texts beside datatrove, and weigh it
	@$(BIN)/python benchmarks/signals.py

bench-models: setup ## score learned models on labelled texts, and time them beside fastText alone
	@$(BIN)/python benchmarks/models.py

bench-repeated-text: setup ## time the finding of repeated lines and spans, and weigh what they are of the corpus
	@$(BIN)/python benchmarks/repeated_text.py

bench-explore: setup ## time questions to a warehouse of a million documents
	@$(BIN)/python benchmarks/explore.py

lock: ## resolve setup.cfg afresh into requirements.lock
	@.ci/lock

clean: ## remove what was built and fetched here; warehouses stay
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
