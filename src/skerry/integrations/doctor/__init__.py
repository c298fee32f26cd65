"""What `skerry doctor` looks at on the machine, outside the container engine.

One module per subject: the gateway (Envoy, ports), the state folder, the machine's limits,
and names (their addresses and certificates). Each look is a function that changes nothing
and returns checks, each with a sentence and, where something lacks, a command.
Does not belong here: the container engine (`engines.local.checkup` looks at it), and anything
that repairs. Start with `doctor.py`.
"""
