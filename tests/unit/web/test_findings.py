"""What checks say is in the catalogues of the pages."""

from careplane.care.prescribing.checks import allergy, dose, duplicate, interaction, loaded
from careplane.care.prescribing.checks.port import Finding, Kind
from careplane.web.chart.findings import SENTENCES, warned


def test_every_sentence_of_the_checks_can_be_translated() -> None:
    said = {allergy.SAME, allergy.CLASS, allergy.CROSS, dose.MANY, dose.OFTEN, duplicate.SAME,
            duplicate.GROUP, interaction.SAYS, loaded.SAYS}  # fmt: skip
    assert said == set(SENTENCES)


def test_what_is_grave_asks_for_a_reason() -> None:
    findings = [Finding(Kind.DOSE, severity, severity, dose.OFTEN, {"count": "9"}, "built-in")
                for severity in ("high", "moderate", "low")]  # fmt: skip
    fields = [one.field for one in warned(findings)]
    assert fields == ["why-high", "why-moderate", ""]
