"""What happened, provably: the audit trail."""
