"""Results that ask to be acknowledged, as rows: what they say, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from careplane.fhir.tree import Tree
from careplane.web.chart.flags import Flag
from careplane.web.chart.results import Reading, reading
from careplane.web.say import types


@dataclass(frozen=True, slots=True)
class Item:
    """One result; `name` is `Observation/17`, `patient` is `Patient/17`. `readings` are its values,
    those that are flagged first."""

    name: str
    patient: str
    title: str
    when: str
    status: str
    conclusion: str
    readings: tuple[Reading, ...]

    @property
    def gravity(self) -> int:
        return max((r.flag.gravity for r in self.readings if r.flag), default=0)

    @property
    def flag(self) -> Flag | None:
        """The gravest of its values."""
        flags = [r.flag for r in self.readings if r.flag]
        return max(flags, key=lambda flag: flag.gravity, default=None)


@dataclass(frozen=True, slots=True)
class Seen:
    """Who acknowledged a result, and when."""

    who: str
    when: str
    comment: str


def parts_of(reports: Iterable[Tree]) -> list[str]:
    """Ids of the Observations that reports are made of."""
    references = (str(r.get("reference", "")) for tree in reports for r in tree.get("result", ()))
    return list(dict.fromkeys(r[12:] for r in references if r.startswith("Observation/")))


def items(
    reports: Sequence[Tree], observations: Sequence[Tree], parts: Mapping[str, Tree]
) -> list[Item]:
    """Rows, critical ones on top, then what is abnormal, the newest first among equals. `parts`
    are Observations of the reports, by id."""
    rows = [_report(tree, parts) for tree in reports]
    rows += [_alone(tree) for tree in observations]
    rows.sort(key=lambda row: row.when, reverse=True)
    return sorted(rows, key=lambda row: -row.gravity)


def _report(tree: Tree, parts: Mapping[str, Tree]) -> Item:
    trees = (parts[id] for id in parts_of([tree]) if id in parts)
    rows = [row for one in trees if (row := reading(one))]
    rows.sort(key=lambda row: -row.flag.gravity if row.flag else 0)
    return _item(tree, str(tree.get("conclusion", "")), tuple(rows))


def _alone(tree: Tree) -> Item:
    row = reading(tree)
    return _item(tree, row.note if row else "", (row,) if row else ())


def _item(tree: Tree, conclusion: str, rows: tuple[Reading, ...]) -> Item:
    period = tree.get("effectivePeriod", {})
    when = tree.get("effectiveDateTime") or period.get("start") or tree.get("issued", "")
    return Item(
        name=f"{tree['resourceType']}/{tree['id']}",
        patient=str(tree.get("subject", {}).get("reference", "")),
        title=types.concept(tree.get("code", {})),
        when=str(when),
        status=str(tree.get("status", "")),
        conclusion=conclusion,
        readings=rows,
    )


def by_patient(rows: Sequence[Item]) -> list[tuple[str, list[Item]]]:
    """Rows of each patient together, in the order of the gravest of them."""
    groups: dict[str, list[Item]] = {}
    for row in rows:
        groups.setdefault(row.patient, []).append(row)
    return list(groups.items())


def seen(task: Tree) -> Seen:
    """An acknowledgement."""
    return Seen(
        str(task.get("owner", {}).get("display") or task.get("owner", {}).get("reference", "")),
        str(task.get("lastModified", "")),
        " · ".join(str(note.get("text", "")) for note in task.get("note", ())),
    )
