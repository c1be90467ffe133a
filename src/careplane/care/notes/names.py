"""Names of what notes need and R4 has none for, and the codes that they use."""

from __future__ import annotations

LOINC = "http://loinc.org"
TEMPLATE = "https://github.com/careplane/careplane/StructureDefinition/note-template"
"""Extension of a Composition: it was written here, from this template (valueString). It stays for
the life of the note, and is what its signature and its immutability hang on."""
USE = "https://github.com/careplane/careplane/CodeSystem/use"
"""What a Questionnaire is for, as its useContext: `note-template`."""
NOTE_TEMPLATE = "note-template"
ADDENDUM = ("55107-7", "Addendum Document")
NO_CODE = "n"
"""How a section without a code of LOINC is called in a form: `n3`, by its place."""
