"""The tenant's own code systems, value sets and concept maps, for the operations on codes."""
