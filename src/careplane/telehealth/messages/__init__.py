"""Secure messages between patients and the practice, and among those who work there."""
