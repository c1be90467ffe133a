"""The composition root: the only room that wires the others together."""
