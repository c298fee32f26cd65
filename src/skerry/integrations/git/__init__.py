"""A git repository, read through the `git` program.

Belongs here: asking a remote for its newest commit, fetching it into a bare mirror in the
state folder, reading files of it, and what git's complaints mean. Does not belong: what the
files say (`operations.commit`), when to look (`controllers`).

The program and not a library: it knows every way people have of letting it in (ssh agent and
configuration, credential helpers, proxies), and, measured on a repository of 10,000 files with
one changed, asks in 10 ms, fetches in 40 ms and lists in 10 ms, where dulwich fetched
everything again, in 0.9 s.

Start with `repository.py`.
"""
