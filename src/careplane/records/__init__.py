"""The one door to patient data: decide, validate, index, store and journal, announce."""
