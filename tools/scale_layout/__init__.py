"""How the tables lie on a distributed PostgreSQL, shown with plain hash partitions: which requests
touch one of them, what a resource takes, and what that makes of 10^6, 10^8 and 10^10 resources.

`python -m tools.scale_layout` writes the measured part of docs/scale.md.
"""
