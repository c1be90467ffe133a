"""Generators and measuring scripts; nothing here ships with the package."""
