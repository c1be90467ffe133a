"""Witnesses (c2sp.org/tlog-witness): other institutions that cosign a log's checkpoints, each only
what continues what it saw before.

`witness` decides and remembers · `server` answers over HTTP · `asking` is the log's side.
"""
