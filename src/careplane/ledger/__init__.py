"""What happened, provably: the audit trail and the tamper-evident log."""
