"""The stages joined: what a person asks for, carried out from top to bottom.

Belongs here: deploy, rollback, status, scale and their like; each is told its ports and
says what it does as it does it. Does not belong: decisions (the stages), HTTP and
terminals (the front doors), which engine it is (`wiring`).
Start with `deploy.py`; `sources.py` reads a repository from disk.
"""
