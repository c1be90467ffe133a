"""How values are written in each language: the table of formats."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from careplane.kernel.errors import Incorrect
from careplane.web.say import types
from careplane.web.say.dates import here, say_clock, say_date, say_period, say_time
from careplane.words import dates, lists, numbers, typed, units
from careplane.words.audience import Audience, audience, is_zone, speaking, zones
from careplane.words.catalogues import gettext
from careplane.words.patients import language_of
from tests.support import ROOT

AT = datetime(2026, 9, 3, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "month", "long"),
    [
        ("en", "03-Sep-2026", "Sep-2026", "Thursday, 3 September 2026, 05:05"),
        ("es", "3 sept 2026", "sept 2026", "jueves, 3 de septiembre de 2026, 05:05"),
        ("de", "03.09.2026", "09.2026", "Donnerstag, 3. September 2026, 05:05"),
        ("ar", "3 سبتمبر 2026", "سبتمبر 2026", "الخميس، 3 سبتمبر 2026، 05:05"),
    ],
)
def test_dates(language: str, day: str, month: str, long: str) -> None:
    with speaking(Audience(language)):
        assert say_date("2026-09-03") == day
        assert say_date("2026-09") == month
        assert say_date("2026") == "2026"
        assert say_time("2026-09-03T05:05:00Z") == f"{day} 05:05"
        assert dates.long_moment(AT) == long


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "03-Sep-2026 23:30"),
        ("Europe/Berlin", "04-Sep-2026 01:30"),
        ("America/Bogota", "03-Sep-2026 18:30"),
        ("Asia/Kathmandu", "04-Sep-2026 05:15"),
    ],
)
def test_moments_are_said_at_the_clock_of_who_reads(zone: str, said: str) -> None:
    with speaking(Audience("en", zone)):
        assert say_time("2026-09-03T23:30:00Z") == said
        assert say_date("2026-09-03T23:30:00Z") == said[:11]
        assert say_clock("2026-09-03T23:30:00Z") == said[12:]
        assert here("2026-09-03T23:30:00Z").startswith("2026-09-0")
        assert say_date("2026-09-03") == "03-Sep-2026"  # a day is a day everywhere


def test_a_period_within_a_day_of_the_reader_is_said_as_one() -> None:
    with speaking(Audience("en", "Asia/Tokyo")):
        said = say_period({"start": "2026-09-03T14:30:00Z", "end": "2026-09-03T15:30:00Z"})
        assert said == "03-Sep-2026 – 04-Sep-2026"
        said = say_period({"start": "2026-09-03T22:30:00Z", "end": "2026-09-04T01:30:00Z"})
        assert said == "04-Sep-2026 07:30 – 10:30"


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", ["1.5", "−0.50", "86.0", "1234", "12\u202f000", "1\u202f234\u202f567.25", "1.5e9"]),
        ("es", ["1,5", "−0,50", "86,0", "1234", "12\u202f000", "1\u202f234\u202f567,25", "1,5e9"]),
        ("de", ["1,5", "−0,50", "86,0", "1234", "12\u202f000", "1\u202f234\u202f567,25", "1,5e9"]),
        ("ar", ["1.5", "−0.50", "86.0", "1234", "12\u202f000", "1\u202f234\u202f567.25", "1.5e9"]),
    ],
)
def test_measured_numbers(language: str, written: list[str]) -> None:
    sent = ["1.5", "-0.50", "86.0", "1234", "12000", "1234567.25", "1.5e9"]
    with speaking(Audience(language)):
        assert list(map(numbers.measured, sent)) == written
        assert numbers.measured("trace") == "trace"


@pytest.mark.parametrize(
    ("language", "count", "share"),
    [("en", "12,345", "8%"), ("es", "12.345", "8\u00a0%"), ("de", "12.345", "8\u00a0%")],
)
def test_counted_numbers(language: str, count: str, share: str) -> None:
    with speaking(Audience(language)):
        assert numbers.counted(12345) == count
        assert numbers.percent(0.08) == share


def test_arabic_counts_with_latin_digits() -> None:
    with speaking(Audience("ar")):
        assert numbers.counted(12345) == "12,345"
        assert dates.ago(AT - timedelta(hours=3), AT) == "قبل 3 ساعات"


@pytest.mark.parametrize(
    ("language", "text", "meant"),
    [
        ("en", "7.5", "7.5"), ("en", "7,5", "7.5"), ("en", "1.234", "1.234"), ("en", "-3", "-3"),
        ("en", " 12 000 ", "12000"), ("en", "0,125", "0.125"), ("en", "+4", "4"),
        ("de", "7,5", "7.5"), ("de", "7.5", "7.5"), ("de", "1,234", "1.234"),
        ("de", "−0,5", "-0.5"),
        ("es", "37,2", "37.2"), ("ar", "٣٧٫٥", "37.5"), ("ar", "37.5", "37.5"), ("ar", "٣٧", "37"),
    ],
)  # fmt: skip
def test_numbers_are_taken_as_they_are_typed(language: str, text: str, meant: str) -> None:
    with speaking(Audience(language)):
        assert typed.number(text) == meant


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "1,234"), ("de", "1.234"), ("es", "12.000"), ("en", "1,234.5"), ("de", "1.234,5"),
        ("en", ""), ("en", "seven"), ("en", "7..5"), ("en", "1e9"), ("en", "9" * 40), ("en", "½"),
    ],
)  # fmt: skip
def test_what_may_mean_two_numbers_is_asked_back(language: str, text: str) -> None:
    with speaking(Audience(language)), pytest.raises(Incorrect):
        typed.number(text)


def test_a_value_stays_in_one_piece_from_right_to_left() -> None:
    pressure = {"value": 120, "unit": "mm[Hg]"}
    assert types.quantity(pressure) == "120 mmHg"
    with speaking(Audience("ar")):
        assert types.quantity(pressure) == "\u2068120 mmHg\u2069"
        assert lists.isolated("") == ""


@pytest.mark.parametrize(
    ("code", "number", "said"),
    [
        ("mg/dL", 5, "mg/dL"), ("mm[Hg]", 120, "mmHg"), ("wk", 1, "week"), ("wk", 1.5, "weeks"),
        ("{tbl}", 2, "tablets"), ("{unheard}", 2, "{unheard}"), ("{score}", 7, ""),
    ],
)  # fmt: skip
def test_units(code: str, number: float, said: str) -> None:
    assert units.unit(code, number) == said


def test_lists_of_things() -> None:
    with speaking(Audience("de")):
        assert (
            lists.listed(["Ibuprofen", "Aspirin", "Ramipril"]) == "Ibuprofen, Aspirin und Ramipril"
        )
        assert lists.listed([]) == ""
    assert lists.listed(["a", "b"], "or") == "a or b"


def test_who_is_spoken_to_ends_with_the_conversation() -> None:
    with speaking(Audience("de", "Europe/Berlin")):
        assert audience().clock.key == "Europe/Berlin"
    assert audience() == Audience()
    assert gettext("") == ""


@pytest.mark.parametrize(
    ("zone", "good"),
    [
        ("Europe/Berlin", True), ("UTC", True), ("America/Argentina/Ushuaia", True),
        ("Nowhere/At_all", False), ("../etc/passwd", False), ("/etc/passwd", False), ("", False),
        ("Europe", False), ("A" * 200, False), ("Europe/Berlin\n", False),
    ],
)  # fmt: skip
def test_time_zones(zone: str, good: bool) -> None:
    assert is_zone(zone) is good
    assert not good or zone in zones()


def test_a_day_is_written_of_a_moment_and_of_a_date() -> None:
    assert (
        dates.day(date(2026, 1, 2)) == dates.day(datetime(2026, 1, 2, tzinfo=UTC)) == "02-Jan-2026"
    )


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ([], "en"),
        ([("fr", False), ("de-AT", False)], "de"),
        ([("es-CO", False), ("ar", True)], "ar"),
        ([("zz", True)], "en"),
    ],
)
def test_the_language_of_a_patient(said: list[tuple[str, bool]], language: str) -> None:
    communication = [
        {"language": {"coding": [{"code": code}]}, "preferred": preferred}
        for code, preferred in said
    ]
    assert language_of({"communication": communication}) == language


def test_the_table_of_the_docs_is_what_is_written() -> None:
    text = (ROOT / "docs/languages.md").read_text()
    rows = [row.strip("|").split("|") for row in text.splitlines() if row.startswith("| `")]
    assert len(rows) == 6
    for value, *written in ([cell.strip() for cell in row] for row in rows):
        sent = value.strip("`")
        write = say_time if "-" in sent[1:] else numbers.measured
        for language, said in zip(("en", "es", "de", "ar"), written, strict=True):
            with speaking(Audience(language)):
                assert write(sent) == said.replace("250 000", "250\u202f000"), (language, sent)
