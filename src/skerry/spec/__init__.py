"""Documents -> models; every problem at once, each with its file and line.

Belongs here: reading YAML (`chunks`, `parse`, `guard`), validating one document
(`documents`, `messages`), validating them together (`together`), and the JSON Schema for
editors (`schema`). Does not belong: files on disk (`operations.sources`), what a cell can
run (`compiler`), the fields themselves and their defaults (`model.service`).

Two paths: the fast one knows no positions; only a document with a fault is read again,
slowly, to find its lines. Start with `load.py`.
"""
