"""What must not be forgotten: objects, facts, releases, operations, tokens, the audit.

One schema (`tables`) on SQLite and PostgreSQL, brought up to date by `migrations` at open.
`objects`, `releases`, `operations` and `access` hold the statements as plain functions over
a connection; `database` owns the thread, the transaction and the translation of errors;
`store` joins them to the ports ObjectStore and Ledger.
Belongs here: SQL, and what is needed to run it safely. Does not belong: what the records
mean. Start with `store.py`, then `database.py`.
"""
