"""Schedules and visits as pages show them: what they are called, and at whose clock. Pure."""
