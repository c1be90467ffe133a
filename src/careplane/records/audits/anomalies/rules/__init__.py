"""The rules, one a file: from what happened and who is who to what should be looked at; pure."""
