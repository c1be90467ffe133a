"""Definitions as pages show them: elements as rows, a hierarchy as far as it is open."""
