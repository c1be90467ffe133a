"""Visits as people's calendars show them: here, in their mail, in their own program."""
