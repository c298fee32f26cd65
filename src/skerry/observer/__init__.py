"""Raw objects and pods in, a snapshot out: one word and one sentence per service.

What belongs here: one health function per kind, each in a module of its own (`pod`,
`deployment`), reading the moment of a cell (`understand`), how far a rollout is
(`rollout`), and what a cell's own words mean: why it creates no replica (`creation`), finds
no place for one (`scheduling`), gets no image (`pulling`), what a check got (`probing`).
What does not: asking the cell (engines), waiting and deadlines (operations).

Start with `understand.py`. Sentences are for a person on call: what is wrong, for how long,
and the last thing the container said. Their cases are the YAML files in the tests.
"""
