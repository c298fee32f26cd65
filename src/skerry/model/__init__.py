"""The values the stages pass to each other. Frozen, without behaviour that acts.

Belongs here: documents (`service`, `cell`, `repository`), compiled objects
(`objects`), what a cell runs (`world`), what is to change (`change`), and the
values front doors and ports exchange (`progress`, `access`, `proxy`, `process`).
Does not belong: parsing of files (`spec`), decisions (the stages), I/O.
Start with `service.py`, then `objects.py`, `world.py`, `change.py`.
"""
