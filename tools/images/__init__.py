"""Base images from Debian packages, without a registry, a build container, or root.

A recipe names packages; apt finds and downloads their closure from the machine's own
sources, verified as ever; the packages' files become one layer, written straight from
archive to archive, and the container engine loads it. No maintainer script runs, so
nothing of it can touch this machine.

Start with `make.py`; `recipes.py` says what is in each image.
"""
