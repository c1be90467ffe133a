"""Patients say who may act for them, how far and until when."""
