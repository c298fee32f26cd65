"""The doors to the world other than engines: gateway, store, secrets, and those to come.

Belongs here: one package per thing outside, each implementing ports of `skerry.ports`.
Does not belong: decisions about services (the stages), or knowledge of an engine.
Only `wiring` imports these packages. Start with `store/open.py`.
"""
