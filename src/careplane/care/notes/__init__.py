"""Clinical notes (R4 Composition): written as drafts, signed, added to, marked as wrong."""
