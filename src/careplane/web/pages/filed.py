"""What the tab of notes and documents reads: both, the newest first, and what a form offers."""

from __future__ import annotations

from typing import Any

from careplane.care import tasks
from careplane.care.documents.document import LEVELS
from careplane.care.documents.types import TYPES
from careplane.care.notes import cosignature
from careplane.fhir.tree import Tree
from careplane.records.files.kinds import KINDS
from careplane.web.chart import filed
from careplane.web.chart.banner import person
from careplane.web.i18n import mark
from careplane.web.pages import writing
from careplane.web.reader import NOT_ALLOWED
from careplane.web.say.dates import say_time
from careplane.web.uploads import said
from careplane.web.visit import Visit

_MANY = 200
_NAMES = 50
SHOW = {
    "all": mark("All"),
    "notes": mark("Notes"),
    "documents": mark("Documents"),
    "images": mark("Images and recordings"),
}
TITLES = {
    "letter": mark("Letter"),
    "consultation": mark("Report of a consultation"),
    "discharge": mark("Discharge summary"),
    "referral": mark("Referral"),
    "laboratory": mark("Laboratory report"),
    "imaging": mark("Report of imaging"),
    "photograph": mark("Photograph"),
    "recording": mark("Sound or film"),
    "consent": mark("Signed consent"),
    "directive": mark("Advance directive"),
    "insurance": mark("Insurance card"),
    "other": mark("Other document"),
}
CONFIDENCE = {
    "N": mark("As the rest of the record"),
    "R": mark("Restricted"),
    "V": mark("Very restricted"),
}
assert set(TITLES) == set(TYPES)
assert set(CONFIDENCE) == set(LEVELS)
_MEDIA = frozenset({"image", "video", "audio"})


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """GET /patients/{id}/documents?show=..."""
    assert visit.caller is not None
    me, show = visit.caller.id, visit.query("show")
    of = [("patient", patient), ("_sort", "-date"), ("_count", str(_MANY))]
    asking = [("patient", patient), ("code", f"{tasks.CODES}|{cosignature.CODE}"),
              ("status", ",".join(tasks.OPEN)), ("_count", str(_MANY))]  # fmt: skip
    documents, notes, asked = await visit.reader.several(
        ("DocumentReference", of), ("Composition", of), ("Task", asking)
    )
    names = await names_of(visit, [*documents.trees, *notes.trees])
    rows = [filed.document(tree, me, names) for tree in documents.trees]
    rows += [filed.note(tree, me, names, asked.trees) for tree in notes.trees]
    rows.sort(key=lambda row: row.sort, reverse=True)
    shown = show if show in SHOW else "all"
    begins, adds = await writing.beginning(visit, patient), _adds(visit)
    right = [row for row in rows if not row.wrong and _belongs(row, shown)]
    return {
        "drafts": [row for row in right if row.draft and row.mine],
        "rows": [row for row in right if not (row.draft and row.mine)],
        "wrong_rows": [row for row in rows if row.wrong and _belongs(row, shown)],
        "hidden": documents is NOT_ALLOWED and notes is NOT_ALLOWED,
        "cut": max((len(page.records) for page in (documents, notes) if page.next), default=0),
        "shows": SHOW,
        "show": shown,
        **offered(visit),
        **begins,
        "encounters": await encounters(visit, patient) if adds or begins["templates"] else [],
    }


async def names_of(visit: Visit, trees: list[Tree]) -> dict[str, str]:
    """Of the Practitioners who wrote these and whose names do not stand there."""
    wanted = filed.nameless(trees)[:_NAMES]
    if not wanted:
        return {}
    ids = ",".join(one.partition("/")[2] for one in wanted)
    page = await visit.reader.glance("Practitioner", [("_id", ids), ("_count", str(_NAMES))])
    return {f"Practitioner/{t['id']}": person(t, visit.today).name.text for t in page.trees}


def _adds(visit: Visit) -> bool:
    files = visit.web.documents is not None
    return files and visit.may("c", "DocumentReference") and visit.may("c", "Binary")


def accepted() -> str:
    """Endings of names, for a form that takes a file."""
    return ",".join(f".{ending}" for kind in KINDS for ending in kind.endings)


def offered(visit: Visit) -> dict[str, Any]:
    """What the form for a document offers, and that nothing has been typed yet."""
    files = visit.web.documents
    return {
        "adds": _adds(visit),
        "largest": said(files.largest) if files else "",
        "accept": accepted(),
        "kinds": TITLES,
        "levels": CONFIDENCE,
        "sent": {},
        "problems": {},
    }


async def encounters(visit: Visit, patient: str) -> list[tuple[str, str]]:
    """The last encounters of a patient, as choices of a form: reference and words."""
    of = [("patient", patient), ("_sort", "-date"), ("_count", "20")]
    page = await visit.reader.glance("Encounter", of)
    return [(f"Encounter/{tree['id']}", _encounter(tree)) for tree in page.trees]


async def encounter_said(visit: Visit, reference: str) -> str:
    """An encounter in words, as far as it may be seen."""
    type, _, id = reference.partition("/")
    if type != "Encounter":
        return ""
    page = await visit.reader.glance("Encounter", [("_id", id)])
    return _encounter(page.trees[0]) if page.trees else ""


def _encounter(tree: dict[str, Any]) -> str:
    start = say_time(str(tree.get("period", {}).get("start", "")))
    kinds = [one.get("text") or _first(one) for one in tree.get("type", ())]
    kind = next(filter(None, kinds), str(tree.get("class", {}).get("display", "")))
    return " · ".join(filter(None, (start, str(kind))))


def _first(concept: dict[str, Any]) -> str:
    return next((str(c["display"]) for c in concept.get("coding", ()) if c.get("display")), "")


def _belongs(row: filed.Row, show: str) -> bool:
    if show == "notes":
        return row.type == "Composition"
    if show == "images":
        return row.shown in _MEDIA
    return show == "all" or (row.type == "DocumentReference" and row.shown not in _MEDIA)
