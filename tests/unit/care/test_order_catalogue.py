"""What ships to be ordered: said in the language of who reads it, kept under one name and code."""

import pytest

from careplane.care.orders.catalogue import shipped, spoken
from careplane.words.audience import Audience, speaking

WORDS = [
    ("es", "hemogr", "Hemograma completo"),
    ("de", "groß blut", "Großes Blutbild"),
    ("ar", "تعداد", "تعداد الدم الكامل"),
    ("en", "complete", "Complete blood count"),
]


@pytest.mark.parametrize(("language", "words", "title"), WORDS)
def test_it_is_found_and_said_in_a_language_and_kept_in_one(
    language: str, words: str, title: str
) -> None:
    with speaking(Audience(language)):
        (item,) = shipped().of("laboratory", words)
        assert (item.title, spoken("Complete blood count")) == (title, title)
        assert spoken("What an institution calls it") == "What an institution calls it"
    coding = {"system": "http://loinc.org", "code": "58410-2"}
    assert item.concept == {"coding": [coding], "text": "Complete blood count"}


def test_all_have_a_code_and_sets_are_said_too() -> None:
    assert all(one.concept["coding"][0]["code"] for one in shipped().items.values())
    with speaking(Audience("de")):
        titles = [one.title for one in shipped().sets_of("laboratory")]
        needs = {one.hint for one in shipped().items.values()}
    assert "Müdigkeit, erste Untersuchungen" in titles
    assert "Nüchtern" in needs
