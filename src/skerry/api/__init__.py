"""The HTTP API: one set of operations, over FastAPI, OpenAPI 3.1 and server-sent events.

Belongs here: routes (`routes/`, by subject), who may call them (`guard`, `access`), what
errors look like (`failures`), and running it as a server (`server`). Does not belong:
decisions (`operations` and the stages), shapes of answers (`report/shapes`).
Start with `app.py`, then `access.py`, then any of `routes/`.
"""
