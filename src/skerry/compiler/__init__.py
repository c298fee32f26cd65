"""A service and a cell in, a bundle of plain Kubernetes objects out.

What belongs here: one module per concern, each a function from a `Subject` to manifests
(`workload`, `traffic`, `scaling`, `configuration`, `network`, `access`, `job`), and the
names and labels they share (`naming`). What does not: what runs now (planner), how a cell
runs it (engines), reading documents (spec).

Start with `compile.py`. Everything is deterministic: the same documents, cell and
fingerprints give the same bytes on every machine.

Which change rolls replicas and which does not is decided by what is in the pod template:
image, command, env, files, secrets, port, health, resources, drain and volumes are; team
tags, scale, route, depends, deadline and objectives are not.
"""
