"""A resource that somebody pastes, with what is wrong with it beside its lines. Nothing is stored,
and nothing of it goes into a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from careplane.fhir.codec import json
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, Incorrect, Issue, Malformed, TooLarge
from careplane.records.commands import Validate
from careplane.web import forms
from careplane.web.marked.json_places import json_places
from careplane.web.marked.marking import MOST, Problem, lines, problems
from careplane.web.marked.place import Place
from careplane.web.say import canonicals
from careplane.web.visit import Visit
from careplane.words.catalogues import gettext as _
from careplane.words.numbers import counted

LONGEST = 1_000_000
"""Bytes of a resource that is looked at."""
_ENCODED = 3 * LONGEST + 8_192
_FIELDS = ("profile", "profile2", "profile3")
_CHOICES = 500
_WIDE = 400
"""Characters of a line from which on JSON is written anew, to be read."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at: the text as it is shown, its places where it could be read, and every
    issue."""

    text: str
    places: Place | None
    issues: tuple[Issue, ...]


async def show(visit: Visit) -> Response:
    """GET /validator?profile=: the form."""
    given = visit.request.query_params.getlist("profile")[: len(_FIELDS)]
    return await _page(visit, "", [*given, "", "", ""][: len(_FIELDS)])


async def check(visit: Visit) -> Response:
    """POST /validator: the resource with its problems."""
    form = await forms.fields(visit.request, limit=_ENCODED)
    text = form.get("resource", "").replace("\r\n", "\n").removeprefix("\ufeff").strip("\n")
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise TooLarge(
            _("A resource of at most %(count)s bytes is looked at here.", count=counted(LONGEST))
        )
    profiles = [form.get(name, "").strip()[:2_000] for name in _FIELDS]
    if not text.strip():
        return await _page(visit, "", profiles, 400, nothing=True)
    looked = await _look(visit, text, tuple(filter(None, profiles)))
    found = problems(looked.issues, looked.places)
    return await _page(visit, looked.text, profiles, looked=looked, found=found)


async def _page(
    visit: Visit, text: str, profiles: list[str], status: int = 200, **more: Any
) -> Response:
    looked: Looked | None = more.get("looked")
    found: list[Problem] = more.get("found", [])
    counts = {
        name: sum(1 for issue in looked.issues if issue.severity in severities) if looked else 0
        for name, severities in (("errors", ("fatal", "error")), ("warnings", ("warning",)))
    }
    return visit.render(
        "pages/validator.html",
        status,
        text=text,
        profiles=list(zip(_FIELDS, profiles, strict=True)),
        choices=await _choices(visit),
        structure=canonicals.structure,
        looked=looked,
        found=found,
        unshown=max(len(looked.issues) - MOST, 0) if looked else 0,
        lines=lines(looked.text, found) if looked else [],
        nothing=more.get("nothing", False),
        **counts,
    )


async def _choices(visit: Visit) -> list[tuple[str, str]]:
    """Profiles of packages that one may choose: URL and title."""
    if visit.web.packages is None:
        return []
    catalogue = await visit.packages.catalogue()
    found = catalogue.search(type="StructureDefinition", kind="profile")
    installed = sorted(found, key=lambda entry: entry.package.built_in)
    titles = {e.header.url: f"{e.header.of}: {e.header.title or e.header.name}" for e in installed}
    return list(titles.items())[:_CHOICES]


async def _look(visit: Visit, text: str, profiles: tuple[str, ...]) -> Looked:
    raw = text.encode("utf-8", "replace")
    wrong = [one for one in profiles if ":" not in one]
    if wrong:
        issue = Issue(
            "error", "invalid", _("“%(url)s” is no canonical URL of a profile", url=wrong[0][:100])
        )
        return Looked(text, Place(1), (issue,))
    try:
        text, tree, places = _xml(text, raw) if text.lstrip()[:1] == "<" else _json(text, raw)
    except (Malformed, TooLarge) as error:
        return Looked(text, None, error.issues)
    except Incorrect as error:  # XML that is no resource of its type
        return Looked(text, _xml_places(raw), error.issues)
    type = tree.get("resourceType")
    if not isinstance(type, str) or not is_resource(type):
        issue = Issue("error", "structure", _("resourceType is the name of a resource type of R4"))
        return Looked(text, Place(1), (issue,))
    assert visit.caller is not None
    command = Validate(type, json.dump(tree), profiles=profiles)
    try:
        report = await visit.web.door.validate(visit.caller, command)
    except Forbidden as error:  # said here, so that what was pasted is not lost
        return Looked(text, places, error.issues)
    issues = tuple(
        issue for issue in report.issues if issue.where or issue.severity != "information"
    )
    return Looked(text, places, issues)


def _json(text: str, raw: bytes) -> tuple[str, Tree, Place]:
    tree = json.parse(raw)
    if any(len(line) > _WIDE for line in text.split("\n")):
        text = json.pretty(raw).decode()
    return text, tree, json_places(text)


def _xml(text: str, raw: bytes) -> tuple[str, Tree, Place]:
    from careplane.fhir.codec import xml  # few bring XML

    tree = xml.parse(raw)
    return text, tree, _xml_places(raw)


def _xml_places(raw: bytes) -> Place:
    from careplane.fhir.codec import xml
    from careplane.web.marked.xml_places import xml_places

    return xml_places(xml.parse_document(raw))
