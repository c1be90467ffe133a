"""Patients say that something in their record is wrong, and are answered."""
