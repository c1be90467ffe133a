"""From a plan to SQL: every node is a condition on one row of `resource`; PostgreSQL finds the way.

`scope` is what a node is compiled in, one file a family of nodes, `nodes` their table, `leads`
which part of an And a search starts from where that is better settled here than guessed there.
"""
