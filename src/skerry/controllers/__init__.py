"""The loops of a server: what happens without anybody asking.

Will belong here: continuous mode (reconcile a repository), autoscaling and groups, failover
between cells, schedules. Each is level-based: it observes, asks a pure stage what to do, and
starts an operation. Does not belong: the decisions themselves (`planner`, `autoscaling`),
and the local engine's supervisors (`engines/local`).
"""
