"""The gateway port on Envoy: one detached process, told what to do through three files.

Belongs here: everything that knows Envoy, its files, its process, its certificates and its
connections. Does not belong: what should be routed where (the engine says it with a
`ProxyConfig`).

Start with `envoy.py`, which joins the rest:

    ProxyConfig --resources.py--> clusters, routes, listeners --files.py--> three files
    process.py   starts, finds and replaces the Envoy process; supervisor.py keeps it alive
    admin.py     asks which version it serves; workers.py makes sure each worker does
    authority.py signs the names; trust.py makes the machine believe it
"""
