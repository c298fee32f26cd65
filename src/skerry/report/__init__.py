"""Plans, changes, snapshots -> views and lines.

`shapes` names the views: JSON-ready dictionaries, the documented form of `-o json` and of
the API. `views` makes them from models (the server's side). `lines` and `tables` turn
views into text (the command line's side) and import no model, so that the CLI starts fast.
No I/O, no colours decided here beyond naming a style.
"""
