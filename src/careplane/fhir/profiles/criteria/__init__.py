"""How a slice is told from another: one file a kind of discriminator (ElementDefinition.slicing).

A criterion says whether an item has what a slice has at the discriminator's path. None means that
the slice says nothing there. The catalogue is beside, in `slicing`.
"""
