"""Loading: pieces of resources, turned into units for the door, again and again without harm.

An entry that a piece asks to create (POST, or a resource without an id) gets an id computed from
the piece it stands in. So whatever was interrupted can be run again: what is there already is left
as it is, and nothing is stored twice.
"""
