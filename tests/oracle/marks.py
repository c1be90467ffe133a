"""Words that stand in one row of the rooms alone, by which it is known wherever they turn up: on
pages, on paper, in summaries, in calendars."""

from __future__ import annotations

import re

_WORDS = {
    "Allergen": "AllergyIntolerance/a", "Drug": "MedicationRequest/m", "Lot": "Immunization/i",
    "Lab": "Observation/l", "Letter": "Composition/d", "File": "DocumentReference/f",
    "Thread": "Communication/h", "Words": "Communication/g", "Task": "Task/j",
    "Visit": "Appointment/b",
}  # fmt: skip
_MARK = re.compile(rf"\b({'|'.join(_WORDS)}) ([0-9]+)\b")


def marked(text: str) -> set[str]:
    """The rows whose words are in a text."""
    return {f"{_WORDS[word]}{n}" for word, n in _MARK.findall(text)}
