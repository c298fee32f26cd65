"""Skerry: a turnkey compute platform.

Start with `operations/deploy.py`: it walks the whole way of the data, top to
bottom. `docs/architecture.md` draws the layers; each package's charter says what
belongs in it.
"""
