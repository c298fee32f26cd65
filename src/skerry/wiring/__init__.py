"""Settings -> a platform: which engine, store, secrets and gateway stand behind the ports.

The only package that names them. Each is imported when it is opened, so that a server pays
only for what it uses, and a look at the machine without a server for nothing else.
Start with `server.py`; `cell.py` is the machine (or nothing) it runs services on, `machine.py`
finds the container engine and looks at what is there.
"""
