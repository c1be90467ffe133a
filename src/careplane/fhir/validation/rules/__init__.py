"""Rules that the text of R4 states and no definition holds: one file a subject. The family folder.

A rule is a function of an element and its place; the catalogue is beside, in `advice`.
"""
