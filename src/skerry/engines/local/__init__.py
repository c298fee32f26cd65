"""One machine as a cell: the compiled objects, run on a container engine (Podman, Docker).

Belongs here: turning objects into containers, networks, volumes and a `ProxyConfig`, and
keeping them so. The pure core decides (`rollout`, `crashes`, `addresses`, `workload`,
`containers`, `routes`, `observation`); the shell acts (`supervisor`, `pilot`, `retirement`,
`runtime`, `router`, `events`, `adoption`). Level-based: everything is decided anew from the
objects wanted and the replicas seen; events only wake it earlier.
Does not belong: Envoy's configuration (`integrations.gateway`), waiting for a release and
going back (`operations`), sentences about health (`observer`).
Start with `engine.py`, then `supervisor.py` and `rollout.py`.
"""
