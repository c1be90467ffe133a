"""Careplane: an open cloud platform for health care. ARCHITECTURE.md is the map of its rooms."""

__version__ = "0.1.0"
