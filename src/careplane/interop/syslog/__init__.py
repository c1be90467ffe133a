"""The audit trail as syslog over TLS, for an audit repository or a SIEM (IHE ATNA, ITI-20)."""
