"""A Kubernetes cluster as a cell: the compiled objects, applied as they are.

Belongs here: server-side apply and pruning of what Skerry owns, the index and the releases
kept in the cell, leases between writers, and the looks at it that plans and waits need.
Level-based: `apply` writes what is wanted; the cluster's own controllers get there.
Does not belong: deciding what should run (`planner`), waiting for it and going back
(`operations`), sentences about health (`observer`).
Start with `engine.py`; `client/` is the connection everything here goes through.
"""
