"""Where references to secrets lead.

`store` is Skerry's own: encrypted values among the store's facts, the key in a file
outside the database (`keys`). `providers` picks a provider by a reference's prefix.
Belongs here: one module per provider. Does not belong: anything that logs, prints or
keeps a value. Providers that read the server's own files or environment are left out on
purpose: whoever may deploy could then read all the server can.
Start with `store.py`.
"""
