"""Bundles and a snapshot in, a plan out: what is to change, in which order, and why.

What belongs here: comparing wanted with live objects (`compare`), saying the difference in
the document's words (`essence`, `diff`), ordering by `depends` (`layers`), removing what is
no longer declared (`removal`), and plans that come from a release or an image instead of
documents (`release`). What does not: compiling, and doing anything.

Start with `plan.py`. Objects are compared by their digest annotation, so that what a
cluster adds to an object by itself is no difference; only services whose inputs differ
from the cell's index need to be opened at all (`differing`). Nothing without Skerry's
labels is ever deleted.
"""
