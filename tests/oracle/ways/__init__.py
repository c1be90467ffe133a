"""The ways to data, one family a file; `catalogue` gathers them."""
