"""Growth of children against a reference population."""
