"""Looks into container images: what is in them, layer by layer, and what is wasted.

    api.py       takes archives, shows results; the only one with a volume
    inspecting   urgent and quick: configuration, labels, history, platform (inspection.py)
    sizing       slow: every file of every layer (sizes.py)
    worker.py    the loop both workers run: take, fetch, work, record
    jobs.py      what Redis holds: queues that lose nothing, results kept as a cache
    archive.py   image archives, read with suspicion; layers.py the same for layers

Nothing is ever unpacked to a disk. The library is Python's own, and redis.
"""
