"""One module per command, or per family of commands; `catalogue.py` names each function.

Belongs here: functions whose signature is the command's and whose docstring is its help.
Does not belong: anything two commands share (that is in `cli/` itself).
"""
