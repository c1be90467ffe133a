"""What the summary on paper says, in the language of who asks; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from careplane.fhir.lines import Line
from careplane.fhir.tree import Tree
from careplane.sharing.ips.gather import Part
from careplane.sharing.ips.narrative import columns
from careplane.sharing.paper.paper import Banner, Paper, Section
from careplane.web.chart.banner import person
from careplane.web.chart.shared import SECTIONS
from careplane.web.i18n import mark
from careplane.web.say.dates import say_date
from careplane.words.catalogues import translations
from careplane.words.languages import direction

_HEADS = {
    "What": mark("What"),
    "Status": mark("Status"),
    "When": mark("When"),
    "Details": mark("Details"),
}
_MOST_ALLERGIES = 5
_WITHHELD = mark("Not shown: not open to your role.")
_NOTHING = mark("Nothing is recorded here.")
_MORE = mark("Only the newest are shown; there are more.")


def summary(
    patient: Tree, parts: Sequence[tuple[Part, list[Line]]], language: str, today: date, size: str
) -> Paper:
    """`size` is that of the paper; `today` is printed on each page."""
    say = translations(language).gettext
    one = person(patient, today)
    facts = [
        (say(mark("Born")), f"{one.born} ({one.age})" if one.age else one.born),
        (say(mark("Gender")), say(one.gender)),
        (one.identifier_label, one.identifier),
    ]
    if one.died:
        facts.append((say(mark("Died")), one.died))
    return Paper(
        say(mark("Summary of the record")),
        language,
        direction(language) == "rtl",
        size,
        Banner(one.name.text, one.other.text if one.other else "", facts, _allergies(parts, say)),
        [_section(part, rows, say) for part, rows in parts],
        say(mark("Printed on %(day)s from the record as it stood then."))
        % {"day": say_date(today.isoformat())},
        say(mark("Page")),
        say(mark("Some letters cannot be shown with the fonts of this server.")),
    )


def _allergies(parts: Sequence[tuple[Part, list[Line]]], say: Callable[[str], str]) -> str:
    """One line for each page, short enough for its head; that nothing is known is said too."""
    part, rows = next(pair for pair in parts if pair[0].section.key == "allergies")
    known = list(dict.fromkeys(row.what[:60] for row in rows if row.what))
    if not known:
        text = say(_WITHHELD if part.withheld else _NOTHING)
    elif len(known) > _MOST_ALLERGIES:
        text = ", ".join(known[:_MOST_ALLERGIES]) + " …"
    else:
        text = ", ".join(known)
    return f"{say(mark('Allergies'))}: {text}"


def _section(part: Part, rows: list[Line], say: Callable[[str], str]) -> Section:
    heads, cells = columns(rows)
    if rows:
        note = say(_MORE) if part.more else ""
    else:
        note = say(_WITHHELD if part.withheld else _NOTHING)
    when = heads.index("When") if "When" in heads else -1
    return Section(
        say(SECTIONS[part.section.key]),
        [say(_HEADS[head]) for head in heads],
        [list(_dated(row, when)) for row in cells],
        note,
    )


def _dated(row: Iterable[str], when: int) -> Iterable[str]:
    return (say_date(cell) if n == when else cell for n, cell in enumerate(row))
