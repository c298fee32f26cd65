"""What is not kept: the ledger of a command that carries out its operations itself.

Belongs here: a `Ledger` that lasts as long as the process. Does not belong: what must survive
it (`store`, or the cell itself: releases, leases).
Start with `passing.py`.
"""
