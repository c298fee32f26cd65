"""What must not be forgotten: objects, facts, releases, operations, tokens, the audit.

One schema (`tables`) on SQLite and PostgreSQL, brought up to date by `migrate` at open.
`objects`, `releases`, `operations` and `access` hold the statements, as plain functions over
a connection; `database` owns the thread and the transaction, `connect` the engine, `faults`
what its errors mean; `store` joins them to the ports ObjectStore and Ledger. `folder` is the
state folder they live in.
Belongs here: SQL, and what is needed to keep things safely. Does not belong: what the records
mean. Start with `store.py`, then `database.py`.
"""
