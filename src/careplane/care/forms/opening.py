"""Forms opened: what is read before one is shown, filled, populated or extracted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from careplane.access.caller import Caller
from careplane.care.forms import names, typed
from careplane.care.forms.choices import NOTHING, Expansions, value_sets
from careplane.care.forms.compiled import Compiled
from careplane.care.forms.definition import Form, form
from careplane.care.forms.extracting.definitions import definitions
from careplane.care.forms.extracting.made import Made
from careplane.care.forms.extracting.observations import observations
from careplane.care.forms.judging import judge
from careplane.care.forms.launching import contexts, mentioned
from careplane.care.forms.populating import populated, with_queries
from careplane.care.forms.reading import Matches, Reading
from careplane.care.forms.settling import Known, settle
from careplane.care.forms.sheet import Sheet, filled
from careplane.care.forms.writing import items
from careplane.fhir.fhirpath import root_node
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import extension, objects
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Issue
from careplane.records.door import Door

_RESPONSE: Final = "QuestionnaireResponse"
_MOST_CHOSEN: Final = 500


@dataclass(slots=True)
class Opened:
    """A form with a response to it, ready to be shown and filled. `version` is that of the
    response, which whoever changes it must name."""

    form: Form
    response: Tree
    sheet: Sheet
    expansions: Expansions
    known: Known
    found: dict[str, tuple[str, Matches]] = field(default_factory=dict)
    """What was looked for among many options, by place and number of the answer, and what that has
    found."""

    @property
    def id(self) -> str:
        return str(self.response["id"])

    @property
    def version(self) -> int:
        return int(self.response["meta"]["versionId"])

    @property
    def patient(self) -> str:
        """The id of the patient whom it is about; empty where it is about somebody else."""
        reference = str(self.response.get("subject", {}).get("reference", ""))
        return reference.partition("/")[2] if reference.startswith("Patient/") else ""

    def settle(self) -> None:
        """Raises Invalid where the calculations of the form have no end."""
        settle(self.sheet, self.head, self.known)

    def take_in(self, fields: Mapping[str, str]) -> None:
        """What was typed into a page of it, and what is asked and calculated then. Raises as
        `settle`, and TooLarge."""
        if any(item.one(names.ANSWER) for item in self.form.every):
            self.settle()  # what may be answered depends on other answers
        typed.read(self.sheet, fields, self.expansions)
        self.settle()

    @property
    def head(self) -> Tree:
        """The response without its items."""
        return {name: value for name, value in self.response.items() if name != "item"}

    @property
    def extracts(self) -> bool:
        """Whether the form says anything of the record, apart from itself."""
        marks = (names.OBSERVATION, names.DEFINITION, names.EXTRACTION)
        trees = (self.form.tree, *(item.tree for item in self.form.every))
        return any(extension(tree, *marks) or _begins(tree) for tree in trees)

    def extraction(self) -> list[Made]:
        """What a settled form says of the record, apart from itself."""
        made = definitions(self.sheet, self.response)
        return [*observations(self.sheet, self.response), *made]

    def problems(self) -> list[Issue]:
        """What stands against completing it: at its lines, and of the whole."""
        return judge(self.sheet, self.head, self.expansions, self.known)


@dataclass(frozen=True, slots=True)
class Opening:
    """Over the records of an installation."""

    door: Door
    clock: Clock
    compiled: Compiled = field(default_factory=Compiled, kw_only=True)

    def reading(self, caller: Caller) -> Reading:
        """What one caller may read, for one form."""
        return Reading(self.door, caller, self.compiled)

    async def ready(self, caller: Caller, *, all: bool = False) -> list[Tree]:
        """Questionnaires that can be filled, by their titles; with `all` those that are drafts or
        retired too. Raises Forbidden."""
        pairs = [("_count", "200"), *(() if all else (("status", "active"),))]
        found = await self.reading(caller).search("Questionnaire", pairs)
        return sorted(found, key=lambda one: str(one.get("title") or one.get("name")).casefold())

    async def form(self, caller: Caller, id: str) -> Form:
        """One Questionnaire. Raises NotFound, Forbidden."""
        return await self.reading(caller).form(id)

    async def named(self, caller: Caller, id: str, canonical: str, sent: Tree | None) -> Form:
        """A Questionnaire by its id, by its canonical, or as it was sent. Raises NotFound."""
        if sent is not None:
            return form(sent)
        reading = self.reading(caller)
        if canonical:
            return await reading.form_of(canonical)
        return await reading.form(id)

    async def open(self, caller: Caller, id: str, language: str) -> Opened:
        """A response and its form. Raises NotFound, Forbidden."""
        response = await self.reading(caller).read(_RESPONSE, id)
        return await self.of_response(caller, response, language)

    async def of_response(self, caller: Caller, response: Tree, language: str = "") -> Opened:
        """A response that is at hand, and its form. Raises NotFound, Forbidden."""
        reading = self.reading(caller)
        of = await reading.form_of(str(response.get("questionnaire", "")))
        return await self._opened(reading, of, {"id": "new", **response}, language)

    async def matching(
        self, caller: Caller, opened: Opened, number: str, text: str, language: str
    ) -> Matches:
        """What the words lead to in a value set, which has this number among those of the form."""
        url = _numbered(opened, number)
        if not url or not text.strip():
            return Matches((), False)
        return await self.reading(caller).matching(opened.form, url, text, language)

    async def look_up(
        self, caller: Caller, opened: Opened, fields: Mapping[str, str], language: str
    ) -> None:
        """Make what was chosen from large value sets known to `take_in`."""
        wanted: dict[tuple[str, str], None] = {}
        for name, number in fields.items():
            if name.startswith("a") and name.endswith("/set"):
                key = fields.get(name.removesuffix("/set"), "")
                url = _numbered(opened, number)
                if "|" in key and url:
                    wanted[url, key] = None
        if not wanted:
            return
        known = dict(opened.expansions)
        asked = list(wanted)[:_MOST_CHOSEN]
        for url, one in await self.reading(caller).chosen(opened.form, asked, language):
            known[url] = replace(known[url], chosen=(*known[url].chosen, one))
        opened.expansions = known

    async def populate(
        self, caller: Caller, of: Form, subject: str, context: Mapping[str, Tree]
    ) -> Tree:
        """A draft with what the record knows, which is not written. `context` are resources of a
        launch by name, or references to them."""
        reading = self.reading(caller)
        head: Tree = {
            "resourceType": _RESPONSE,
            "questionnaire": of.canonical,
            "status": "in-progress",
            "subject": {"reference": subject},
            "authored": self._now(),
        }
        encounter = context.get("encounter", {})
        if "reference" in encounter:
            head["encounter"] = {"reference": encounter["reference"]}
        known = await self.known(reading, of, head, everything=True)
        given = {name: await _content(reading, tree) for name, tree in context.items()}
        known = Known({**known.names, **given}, known.now)
        sheet = await populated(of, head, known, reading)
        answers = items(sheet)
        return {**head, **({"item": answers} if answers else {})}

    async def preview(self, caller: Caller, id: str, language: str) -> Opened:
        """A form as it looks before anything is in it; there is no response to it."""
        reading = self.reading(caller)
        of = await reading.form(id)
        response: Tree = {
            "resourceType": _RESPONSE,
            "id": "preview",
            "meta": {"versionId": "0"},
            "status": "in-progress",
            "questionnaire": of.canonical,
        }
        known = Known({}, self.clock())
        sheet = await populated(of, response, known, _Nothing())
        return Opened(of, response, sheet, await reading.expansions(of, language), known)

    async def _opened(self, reading: Reading, of: Form, response: Tree, language: str) -> Opened:
        head = {name: value for name, value in response.items() if name != "item"}
        expansions = await reading.expansions(of, language)
        known = await self.known(reading, of, head)
        return Opened(of, response, filled(of, response), expansions, known)

    async def known(
        self, reading: Reading, of: Form, head: Tree, *, everything: bool = False
    ) -> Known:
        """The contexts of a launch that a form's expressions speak of, and what its own variables
        look up; `everything` also what only the beginning needs."""
        wanted = mentioned(of, everything=everything)
        known: dict[str, Collection] = {}
        for name, type in contexts(of).items():
            if name not in wanted:
                continue
            tree = await self._context(reading, name, type, head)
            known[name] = [] if tree is None else [root_node(tree)]
        return await with_queries(of, head, Known(known, self.clock()), reading)

    async def _context(self, reading: Reading, name: str, type: str, head: Tree) -> Tree | None:
        references = {
            "patient": head.get("subject", {}).get("reference"),
            "encounter": head.get("encounter", {}).get("reference"),
            "user": reading.caller.id,
        }
        kind, _, id = str(references.get(name) or "").partition("/")
        return await reading.one(kind, id) if id else None

    def _now(self) -> str:
        moment = datetime.fromtimestamp(self.clock() // 1_000_000, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _numbered(opened: Opened, number: str) -> str:
    """A large value set of a form by its number; empty where there is none."""
    urls = value_sets(opened.form)
    known = number.isascii() and number.isdecimal() and len(number) < 5
    url = urls[int(number)] if known and int(number) < len(urls) else ""
    return url if opened.expansions.get(url, NOTHING).is_large else ""


def _begins(tree: Tree) -> bool:
    return any(one.get("url") == names.DEFINITION for one in objects(tree.get("extension")))


async def _content(reading: Reading, tree: Tree) -> Collection:
    """A context of a launch: a resource, or what a reference leads to."""
    type, _, id = str(tree.get("reference", "")).partition("/")
    found = await reading.one(type, id) if id else tree if "resourceType" in tree else None
    return [] if found is None else [root_node(found)]


class _Nothing:
    """No records at all."""

    async def found(self, type: str, pairs: Sequence[tuple[str, str]]) -> list[Tree]:
        return []

    async def one(self, type: str, id: str) -> Tree | None:
        return None
