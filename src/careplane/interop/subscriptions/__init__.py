"""Topic-based subscriptions (Subscriptions R5 Backport 1.1 for FHIR R4): who waits for what, what
has happened, and how they are told."""
