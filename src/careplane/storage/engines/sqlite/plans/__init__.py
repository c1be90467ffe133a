"""From a plan to SQL: every node as a check of one candidate, many also as a source of candidates.

`sql` has the fragments, `scope` what a node is compiled in, one file a family of nodes, `nodes` the
tables of both, and `driver` chooses the source that a search starts from.
"""
