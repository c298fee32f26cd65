"""The name server: a small process of its own that answers containers' lookups.

Belongs here: what runs in that process. It answers the names in the gateway's table, and
asks the machine's own name servers for every other. It outlives the server, as Envoy does,
so it keeps everything it needs in the gateway's folder and imports next to nothing: one
more module here is memory on every machine. Does not belong: starting, watching and
replacing it, which is `gateway/nameserver.py`.

    python -m skerry.integrations.gateway.resolver FOLDER RESOLV_CONF

Start with `service.py`, which joins the rest:

    names.json --tables.py--> what each address answers
    listeners.py  a UDP and a TCP socket per address
    messages.py   reads a question, writes an answer
    forwarder.py  asks others, within bounds (quota.py)
"""
