"""What patients are told of their visits: invitations, changes, offers, reminders; each once."""
