"""The gateway port on Envoy, and a name server beside it: detached processes, told what to do
through files.

Belongs here: everything that knows Envoy, its files, its process, its certificates and its
connections; and the names containers look up. Does not belong: what should be routed where
(the engine says it with a `ProxyConfig`).

Start with `envoy.py`, which joins the rest:

    ProxyConfig --resources.py--> clusters, routes, listeners --files.py--> three files
    process.py   starts, finds and replaces the Envoy process; supervisor.py keeps it alive
    ProxyConfig --nameserver.py--> a file of names; resolver/ is the process that serves it
    detached.py  what both kinds of process have in common: they outlive the server
    admin.py     asks which version it serves; workers.py makes sure each worker does
    authority.py signs the names; trust.py makes the machine believe it
"""
