"""The loops of a server: what happens without anybody asking.

Belongs here: continuous mode (`continuous`: a `branch` that is followed, a `keeper` for each
cell, `webhook` as the doorbell), and what a server does only while it leads (`leading`,
`standing`). To come: autoscaling and groups, failover between cells. Each loop is level-based:
it observes, asks a pure function what to do (`schedule`, `trying`), and starts an operation.
Does not belong: the decisions about services (`planner`, `autoscaling`), and the local engine's
supervisors (`engines/local`). Start with `continuous.py`, then `schedule.py`.
"""
