"""What the project needs around itself: images without a registry, `make demo`, `make test`.

Nothing here is part of the product, and the product imports nothing from here. Runs from
the root of the repository: `python -m tools.images base`.
"""
