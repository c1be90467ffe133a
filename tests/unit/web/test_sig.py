"""Directions: choices to a Dosage, a Dosage to words, and back to the choices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from careplane.care.prescribing.prescription import Prescription
from careplane.care.prescribing.sig import ROUTES, SHORT, UNITS, Sig, dosage, of_dosage, problems
from careplane.kernel.errors import Incorrect
from careplane.web.pages.clinic import script
from careplane.web.say.sig import sig

ORAL = "26643006"
CASES = (
    (Sig(Decimal(1), "{tbl}", ORAL, "bd", days=7), "1 tablet by mouth twice a day, for 7 days"),
    (Sig(Decimal("0.5"), "{tbl}", ORAL, "nocte"), "0.5 tablets by mouth once a day at bedtime"),
    (Sig(Decimal(2), "{puff}", "447694001", "q4h", as_needed=True, needed="wheeze"),
     "2 puffs inhaled every 4 hours, as needed for wheeze"),
    (Sig(Decimal(500), "mg", ORAL, "tds", advice="with food"),
     "500 mg by mouth 3 times a day, with food"),
    (Sig(Decimal(1), "{tbl}", ORAL, "alt"), "1 tablet by mouth every 2 days"),
    (Sig(Decimal(1), "{tbl}", ORAL, "stat"), "1 tablet by mouth once only"),
    (Sig(Decimal(70), "mg", ORAL, "weekly", as_needed=True),
     "70 mg by mouth once a week, as needed"),
    (Sig(Decimal(1), "{patch}", "45890007", "custom", 1, 72, "h"),
     "1 patch as a patch on the skin every 72 hours"),
    (Sig(Decimal(10), "[iU]", "34206005", "custom", 2, 3, "d"),
     "10 units injected under the skin 2 × every 3 days"),
    (Sig(advice="Use sparingly"), "Use sparingly"),
)  # fmt: skip


@pytest.mark.parametrize(("chosen", "words"), CASES)
def test_choices_words_and_back(chosen: Sig, words: str) -> None:
    made = dosage(chosen)
    assert sig(made) == words
    assert of_dosage(made) == chosen


@pytest.mark.parametrize("often", SHORT)
def test_every_shortcut_comes_back(often: str) -> None:
    made = dosage(Sig(Decimal(1), "mg", ORAL, often))
    assert of_dosage(made).often == often
    assert sig(made)


@pytest.mark.parametrize(("chosen", "field"), [
    (Sig(Decimal(0), "mg", ORAL, "bd"), "dose"),
    (Sig(Decimal(-1), "mg", ORAL, "bd"), "dose"),
    (Sig(Decimal(1), "stone", ORAL, "bd"), "unit"),
    (Sig(Decimal(1), "mg", "nowhere", "bd"), "route"),
    (Sig(Decimal(1), "mg", ORAL, "often"), "often"),
    (Sig(Decimal(1), "mg", ORAL, ""), "often"),
    (Sig(Decimal(1), "mg", ORAL, "custom", 0, 1, "d"), "frequency"),
    (Sig(Decimal(1), "mg", ORAL, "custom", 1, 1, "century"), "frequency"),
    (Sig(Decimal(1), "mg", ORAL, "bd", days=99999), "days"),
    (Sig(Decimal(1), "mg", ORAL, "bd", advice="x" * 501), "advice"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(chosen: Sig, field: str) -> None:
    assert field in {issue.where for issue in problems(chosen)}
    with pytest.raises(Incorrect):
        dosage(chosen)


def test_the_form_offers_what_can_be_chosen() -> None:
    assert {key for key, _ in script.OFTEN} == {*SHORT, "custom"}
    assert {key for key, _ in script.UNITS} == set(UNITS)
    assert {key for key, _ in script.ROUTES} == set(ROUTES)


def test_words_that_others_wrote_are_said_as_they_are() -> None:
    assert sig({"text": "as directed"}) == "as directed"
    dose = {"doseAndRate": [{"doseQuantity": {"value": 1}}]}
    assert sig({"text": "half a tablet, with food", **dose}) == "half a tablet, with food"
    assert sig(dose) == "1 dose"
    made = dosage(Sig(Decimal(1), "{tbl}", ORAL, "bd"))
    assert sig({**made, "text": sig(made)}) == sig(made)


def test_to_renew_keeps_words_that_the_structure_does_not_say() -> None:
    concept = {"text": "Furosemide"}
    made = dosage(Sig(route=ORAL, often="od"))
    for text, advice in (("40 mg in the morning", "40 mg in the morning"), (sig(made), "")):
        asked = Prescription("p", concept, {**made, "text": text})
        fields = script.fill(asked)
        assert (fields["often"], fields["advice"]) == ("od", advice)
