"""The service: forms begun, saved, completed, amended, asked for; each as one step of the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from careplane.access.caller import Caller
from careplane.care.forms import names, responses
from careplane.care.forms.choices import Expansions
from careplane.care.forms.definition import Form, form
from careplane.care.forms.judging import judge
from careplane.care.forms.launching import contexts, mentioned
from careplane.care.forms.own import require_own
from careplane.care.forms.populating import populated, with_queries
from careplane.care.forms.reading import Reading, named_in
from careplane.care.forms.settling import Known, settle
from careplane.care.forms.sheet import Sheet, filled
from careplane.care.forms.writing import items
from careplane.fhir.fhirpath import root_node
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Incorrect, Invalid, Issue
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door
from careplane.records.results import Acted

_RESPONSE: Final = "QuestionnaireResponse"
_LONGEST_NOTE: Final = 500


@dataclass(slots=True)
class Opened:
    """A form with a response to it, ready to be shown and filled. `version` is that of the
    response, which whoever changes it must name."""

    form: Form
    response: Tree
    sheet: Sheet
    expansions: Expansions
    known: Known

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

    @property
    def head(self) -> Tree:
        """The response without its items."""
        return {name: value for name, value in self.response.items() if name != "item"}

    def problems(self) -> list[Issue]:
        """What stands against completing it: at its lines, and of the whole."""
        return judge(self.sheet, self.head, self.expansions, self.known)


@dataclass(frozen=True, slots=True)
class Forms:
    """Over the records of an installation."""

    door: Door
    clock: Clock
    new_id: NewId

    async def ready(self, caller: Caller, *, all: bool = False) -> list[Tree]:
        """Questionnaires that can be filled, by their titles; with `all` those that are drafts or
        retired too. Raises Forbidden."""
        pairs = [("_count", "200"), *(() if all else (("status", "active"),))]
        found = await Reading(self.door, caller).search("Questionnaire", pairs)
        return sorted(found, key=lambda one: str(one.get("title") or one.get("name")).casefold())

    async def form(self, caller: Caller, id: str) -> Form:
        """One Questionnaire. Raises NotFound, Forbidden."""
        return form(await Reading(self.door, caller).read("Questionnaire", id))

    async def open(self, caller: Caller, id: str, language: str) -> Opened:
        """A response and its form. Raises NotFound, Forbidden."""
        reading = Reading(self.door, caller)
        response = await reading.read(_RESPONSE, id)
        of = await reading.form_of(str(response.get("questionnaire", "")))
        return await self._opened(reading, of, response, language)

    async def preview(self, caller: Caller, id: str, language: str) -> Opened:
        """A form as it looks before anything is in it; there is no response to it."""
        reading = Reading(self.door, caller)
        of = form(await reading.read("Questionnaire", id))
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

    async def begin(
        self,
        caller: Caller,
        questionnaire: str,
        patient: str,
        *,
        task: str = "",
        language: str = "",
    ) -> str:
        """A draft with what the record knows already; its id. With a Task that asked for it, the
        one that was begun for that, if one was. Raises Conflict, Forbidden, NotFound."""
        reading = Reading(self.door, caller)
        asked = await reading.read("Task", task) if task else None
        if asked is not None:
            if not responses.is_asking(asked):
                raise Incorrect("This task does not ask for a form.")
            if responses.output(asked):
                return named_in(responses.output(asked), _RESPONSE)
            questionnaire = named_in(asked.get("focus", {}).get("reference"), "Questionnaire")
            patient = named_in(asked.get("for", {}).get("reference"), "Patient")
        require_own(caller, f"Patient/{patient}")
        of = form(await reading.read("Questionnaire", questionnaire))
        _fillable(of)
        now = self._now()
        head = responses.begun(of, caller, patient, now)
        known = await self._known(reading, of, head, everything=True)
        sheet = await populated(of, head, known, reading)
        id, given = self.new_id(), items(sheet, language)
        tree = {**head, **({"item": given} if given else {})}

        def decide(seen: c.Seen) -> c.Decided:
            writes = [c.Write(_RESPONSE, id, tree)]
            if task:
                current = seen.records.get(("Task", task))
                if current is None or current.get("status") not in responses.OPEN:
                    raise Conflict("This form is not asked for any more.")
                if responses.output(current):
                    raise Conflict("Somebody has begun this form just now; open it again.")
                writes.append(
                    c.Write("Task", task, responses.taken_up(current, id, now), own=False)
                )
            return c.Decided(tuple(writes))

        reads = (("Task", task),) if task else ()
        act = c.Act(
            "$begin-form", (lambda seen: c.Asking(reads=reads),), decide, (("c", _RESPONSE),)
        )
        await self.door.act(caller, act)
        return id

    async def save(self, caller: Caller, opened: Opened, language: str) -> int:
        """Keep a draft as it is; its new version. Raises Conflict, Precondition."""
        return await self._write(caller, opened, "in-progress", language)

    async def complete(self, caller: Caller, opened: Opened, language: str) -> int:
        """Complete a draft, or amend what was completed; its new version. Raises Invalid with all
        that stands against it, Conflict, Precondition."""
        loose = opened.problems()
        wrong = [issue for issue in loose if issue.severity in ("error", "fatal")]
        if wrong or any(line.problems for line in opened.sheet.every()):
            text = "The form cannot be completed yet."
            raise Invalid(text, issues=tuple(wrong) or (Issue("error", "invalid", text),))
        status = "completed" if responses.is_draft(opened.response) else "amended"
        return await self._write(caller, opened, status, language)

    async def discard(self, caller: Caller, id: str, version: int) -> None:
        """Stop a draft. Raises Conflict, Precondition."""

        def decide(seen: c.Seen) -> c.Decided:
            stopped = responses.discarded(seen.records.get((_RESPONSE, id)), version)
            return c.Decided((c.Write(_RESPONSE, id, stopped),))

        asking = (lambda seen: c.Asking(changes=((_RESPONSE, id),)),)
        await self.door.act(
            caller, c.Act("$discard-form", asking, decide, about=f"{_RESPONSE}/{id}")
        )

    async def ask(
        self, caller: Caller, questionnaire: str, patient: str, due: str = "", note: str = ""
    ) -> str:
        """Ask a patient to fill a form; the id of the Task. Raises Incorrect, Forbidden."""
        of = await self.form(caller, questionnaire)
        _fillable(of)
        if due:
            try:
                datetime.fromisoformat(due)
            except ValueError:
                raise Incorrect("The date is written as 2030-12-31.") from None
        if len(note) > _LONGEST_NOTE:
            raise Incorrect(f"A note has {_LONGEST_NOTE} characters at most.")
        id, tree = (
            self.new_id(),
            responses.asked(of, patient, caller, due, note.strip(), self._now()),
        )

        def decide(seen: c.Seen) -> c.Decided:
            return c.Decided((c.Write("Task", id, tree),))

        await self.door.act(caller, c.Act("$ask-form", (), decide, (("c", "Task"),)))
        return id

    async def withdraw(self, caller: Caller, task: str) -> None:
        """Ask for a form no more. Raises Conflict."""

        def decide(seen: c.Seen) -> c.Decided:
            ended = responses.withdrawn(seen.records.get(("Task", task)), self._now())
            return c.Decided((c.Write("Task", task, ended),))

        asking = (lambda seen: c.Asking(changes=(("Task", task),)),)
        await self.door.act(caller, c.Act("$withdraw-form", asking, decide, about=f"Task/{task}"))

    async def _write(self, caller: Caller, opened: Opened, status: str, language: str) -> int:
        id, now = opened.id, self._now()
        given = items(opened.sheet, language)

        def asks(seen: c.Seen) -> c.Asking:
            return c.Asking(changes=((_RESPONSE, id),), looks=_tasks(opened.patient, status))

        def decide(seen: c.Seen) -> c.Decided:
            current = seen.records.get((_RESPONSE, id))
            tree = responses.changed(current, opened.version, given, status, caller, now)
            writes = [c.Write(_RESPONSE, id, tree)]
            for task in seen.found.get("tasks", ()):
                if responses.output(task) == f"{_RESPONSE}/{id}" and responses.is_asking(task):
                    writes.append(
                        c.Write("Task", str(task["id"]), responses.done(task, now), own=False)
                    )
            return c.Decided(tuple(writes))

        act = c.Act(f"${_VERBS[status]}-form", (asks,), decide, about=f"{_RESPONSE}/{id}")
        return _version(await self.door.act(caller, act), opened.version)

    async def _opened(self, reading: Reading, of: Form, response: Tree, language: str) -> Opened:
        head = {name: value for name, value in response.items() if name != "item"}
        expansions = await reading.expansions(of, language)
        known = await self._known(reading, of, head)
        return Opened(of, response, filled(of, response), expansions, known)

    async def _known(
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


class _Nothing:
    """No records at all."""

    async def found(self, type: str, pairs: Sequence[tuple[str, str]]) -> list[Tree]:
        return []

    async def one(self, type: str, id: str) -> Tree | None:
        return None


_VERBS: Final = {"in-progress": "save", "completed": "complete", "amended": "amend"}


def _tasks(patient: str, status: str) -> tuple[c.Look, ...]:
    if status != "completed" or not patient:
        return ()
    code = f"code={names.TASK_CODES}%7C{names.FILL}"
    return (c.Look("tasks", "Task", f"{code}&patient={patient}&status=in-progress"),)


def _version(acted: Acted, before: int) -> int:
    written = acted.written[0].version
    return before if written is None else written.version


def _fillable(of: Form) -> None:
    """Raises Conflict for a form that is not in use, Invalid for one that no response can name."""
    if of.tree.get("status") != "active":
        raise Conflict("This form is not in use: it is a draft, or retired.")
    subjects = of.tree.get("subjectType")
    if isinstance(subjects, list) and subjects and "Patient" not in subjects:
        raise Conflict("This form is not about a patient.")
