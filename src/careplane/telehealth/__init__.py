"""Care at a distance."""
