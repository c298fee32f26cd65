"""The command line: an HTTP client of the server, and nothing more.

Belongs here: reading arguments, files, build contexts and terminals; asking; waiting with
an explanation; printing views. Does not belong: decisions (the stages make them, behind
the server), and how views read as text (`report.lines`, `report.tables`).
Start with `catalogue.py`, which lists every command, then `app.py`. A command's module is
imported when the command is called, and libraries when they are needed: starting fast is
a promise (docs/decisions/0006-command-line-start.md).
"""
