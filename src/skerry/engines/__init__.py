"""What runs the objects: one package per engine, each behind the `Engine` port.

What belongs here: making a cell be as the objects say, and saying what it runs, in
Kubernetes' shape. What does not: deciding what should run (planner), judging what does
(observer), waiting for it (operations): engines know ports and model, no stage, and not
each other. One conformance suite runs against all of them: `tests/conformance/`.

`memory/` is the smallest complete one: start there to learn what an engine owes.
"""
