"""Pulling: bytes from addresses that somebody else named, as far as the operator allows."""
