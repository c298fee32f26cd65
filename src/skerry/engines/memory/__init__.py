"""An engine that keeps everything in memory: for tests, for plans at scale, for demos.

What belongs here: the whole `Engine` port without a container. Replicas become ready after
a settable delay, drain for another, and fail on request: by the name of their image
(`faults`). Nothing happens between looks: each look brings a service up to now
(`replicas`), so that ten thousand services cost nothing until somebody asks. What does not
belong: anything another engine could not do as well.

Start with `engine.py`.
"""
