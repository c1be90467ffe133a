"""Prescriptions: written, checked, renewed, changed and stopped."""
