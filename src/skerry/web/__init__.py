"""The page: the same operations as the API, as server-rendered HTML.

Will belong here: routes that render, templates, and small ES modules of our own for live
parts, under a strict content security policy. Does not belong: decisions, and anything the
API cannot do as well.
"""
