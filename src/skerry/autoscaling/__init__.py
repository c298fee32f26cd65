"""Signals, bounds and now in; a decision with its reason out.

Will belong here: targets on CPU, queues and requests, groups that share capacity by
priority, and the simulator, which runs the very same function. Does not belong: reading
metrics (`integrations`), acting on a decision (`controllers`), a clock.
"""
