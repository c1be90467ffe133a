"""The audit trail as people see it: AuditEvents, and what is drawn from them."""
