# make quick:  one figure of small grammars, in three minutes
# make figures: the demo, from nothing to figures and a report
# make test:    the test suite, but for the two below
# make test-slurm: every fault of a cluster, on a real Slurm that it installs and starts (as root)
# make test-chaos: the workflow with a random fault in every third job
# make test-gpu: what the CPU computes, on a GPU; make bench-gpu: how fast; neither needs snakemake
# make claims:  fill the claims of the demo and of all studies into README.md and docs/demo.md
# make bench:   our ways against plain ones, a quarter of an hour on an idle machine
# make lint:    what the linters of Python and of Snakemake complain of
# make schema:  rewrite the config schema, and tables in docs/, after an edit of a section or a quantity
# make notebooks: draw the pictures that notebooks keep, from the tables in this repository
# make site:    the documents as a site, site/index.html

PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: quick figures test test-slurm test-chaos test-gpu bench bench-gpu lint claims schema notebooks site clean

quick: .venv/installed
	snakemake results/quick/figures/rhm_accuracy_vs_dataset_size.pdf --profile workflow/profiles/local --config preset=quick
	@echo "what to do next: README.md"

figures: .venv/installed
	snakemake --profile workflow/profiles/demo
	snakemake --profile workflow/profiles/demo --report results/demo/report.html
	python -m pipeline page demo
	python -m pipeline explore demo
	@echo "figures: results/demo/figures"
	@echo "report:  results/demo/report.html"

test: .venv/installed
	pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slurm: .venv/installed
	python -m tests.slurm.cluster start
	pytest tests/slurm -n 4; status=$$?; python -m tests.slurm.cluster stop; exit $$status

test-chaos: .venv/installed
	timeout 600 pytest tests/chaos

test-gpu: .venv/installed
	pytest tests/gpu -n 4 -q -rs

bench-gpu: .venv/installed
	python -m benchmarks.gpu
	python -m benchmarks.gpu_table docs/gpu.md

lint: .venv/installed
	ruff check . && ruff format --check . && snakefmt --check . && mypy
	snakemake --lint --config preset=smoke

claims: .venv/installed
	python -m pipeline.documents.claims .

bench: .venv/installed
	python -m benchmarks
	python -m benchmarks.table docs/speed.md
	cp results/bench/cost_growth.png docs/

schema: .venv/installed
	python -m pipeline.config.write_schema
	python -m pipeline.documents.config_keys docs/config.md
	python -m pipeline.documents.quantities docs/tables.md

notebooks: .venv/installed
	python -m notebooks.execute --without-run notebooks/*.ipynb

site: .venv/installed
	mkdocs build
	@echo "site: site/index.html; with search: mkdocs serve"

.venv/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	pip install --quiet --requirement requirements.lock
	pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv
