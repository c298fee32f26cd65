"""A thin connection to a Kubernetes API server: aiohttp, orjson, plain dicts.

Belongs here: where a cluster is and who we are to it (`kubeconfig`, `incluster`, `identity`
and the plug-ins behind it), requests that are sent again only where that is safe
(`transport`, `retrying`), as many at once as the server takes well (`window`), paths of
kinds (`resources`), answers made errors (`failures`), and the verbs on top (`client`,
`watching`).
Does not belong: what the objects mean, who owns them, in which order they are written.
Start with `client.py`.

Credentials are our own and not kubernetes_asyncio's: importing its config costs 0.2 s and
more, and it keeps no exec credential, takes no certificate from a plug-in and reads a token
file once.
"""
