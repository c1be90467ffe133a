"""Consults without a meeting: asked with words and pictures, answered by a promised time."""
