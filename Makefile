# Two commands matter: make demo and make test.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test soak bench bench-kubernetes format reference clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 24

demo: ## from a fresh machine to a running application
	@tools/demo.sh

test: ## everything that is checked, in under 20 minutes on two cores
	@tools/test.sh

soak: ## the long proofs at their full counts
	@tools/test.sh soak

bench: ## every figure we claim, beside its target; writes nothing
	@tools/bench.sh

bench-kubernetes: ## the same for Kubernetes cells, against API servers of its own; 25 minutes
	@tools/bench.sh kubernetes

format: ## the formatter, on all of it
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

reference: ## the reference pages made from the code
	@.venv/bin/python -m tools.reference

clean: ## what was made here, but not what runs
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
