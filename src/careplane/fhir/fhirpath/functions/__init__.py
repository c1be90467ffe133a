"""The functions of FHIRPath, one file a family of the specification; none knows its siblings.

`catalogue.py` beside this folder says which name calls which function, with how many arguments.
"""
