"""Pages for people: what a clinician reads, rendered here and readable with scripts off."""
