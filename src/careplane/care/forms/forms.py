"""The service: forms begun, saved, completed, amended, asked for; each as one step of the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from careplane.access.caller import Caller
from careplane.care.forms import names, responses
from careplane.care.forms.definition import Form
from careplane.care.forms.extracting.definitions import definitions
from careplane.care.forms.extracting.made import Made
from careplane.care.forms.extracting.observations import observations
from careplane.care.forms.extracting.taking import defined, observed, provenance
from careplane.care.forms.opening import Opened, Opening
from careplane.care.forms.own import require_own
from careplane.care.forms.populating import populated
from careplane.care.forms.reading import named_in
from careplane.care.forms.writing import items
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, Invalid, Issue
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.results import Acted

_RESPONSE: Final = "QuestionnaireResponse"
_LONGEST_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class Forms(Opening):
    """What is done with forms."""

    new_id: NewId

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
        reading = self.reading(caller)
        asked = await reading.read("Task", task) if task else None
        if asked is not None:
            if not responses.is_asking(asked):
                raise Incorrect("This task does not ask for a form.")
            if responses.output(asked):
                return named_in(responses.output(asked), _RESPONSE)
            questionnaire = named_in(asked.get("focus", {}).get("reference"), "Questionnaire")
            patient = named_in(asked.get("for", {}).get("reference"), "Patient")
        require_own(caller, f"Patient/{patient}")
        of = await reading.form(questionnaire)
        _fillable(of)
        now = self._now()
        head = responses.begun(of, caller, patient, now)
        known = await self.known(reading, of, head, everything=True)
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

    async def complete(self, caller: Caller, opened: Opened, language: str) -> bool:
        """Complete a draft, or amend what was completed, and put into the record what the form says
        of it; false where others have to do a part of that, because this caller may not. Raises
        Invalid with all that stands against it, Conflict, Precondition."""
        loose = opened.problems()
        wrong = [issue for issue in loose if issue.severity in ("error", "fatal")]
        if wrong or any(line.problems for line in opened.sheet.every()):
            text = "The form cannot be completed yet."
            raise Invalid(text, issues=tuple(wrong) or (Issue("error", "invalid", text),))
        status = "completed" if responses.is_draft(opened.response) else "amended"
        made = definitions(opened.sheet, opened.response)
        try:
            await self._write(caller, opened, status, language, made)
        except Forbidden:
            if not made:
                raise
            await self._write(caller, opened, status, language)
            return False
        return True

    async def extract(self, caller: Caller, id: str) -> int:
        """Put into the record what a completed form says of it, under the rights of the caller; how
        many resources that has written. Raises Conflict, Forbidden."""
        opened = await self.open(caller, id, "")
        if responses.is_draft(opened.response) or opened.response.get("status") == "stopped":
            raise Conflict("Only a completed form is put into the record.")
        opened.settle()
        made = definitions(opened.sheet, opened.response)

        def decide(seen: c.Seen) -> c.Decided:
            current = seen.records.get((_RESPONSE, id))
            if current is None or current.get("meta") != opened.response.get("meta"):
                raise Conflict("Somebody has changed this form in the meantime.")
            return c.Decided(self._taken(caller, opened, current, seen, made))

        reads = ((_RESPONSE, id),)
        looks = _looks(opened, "completed")[:1]
        changes = tuple(one.key for one in made)
        asking = (lambda seen: c.Asking(changes, reads, looks),)
        act = c.Act("$extract", asking, decide, (("r", _RESPONSE),), f"{_RESPONSE}/{id}")
        return len((await self.door.act(caller, act)).written)

    def _taken(
        self, caller: Caller, opened: Opened, response: Tree, seen: c.Seen, made: Sequence[Made]
    ) -> tuple[c.Write, ...]:
        """What an extraction writes, and where it came from."""
        writes = [
            *observed(observations(opened.sheet, response), seen.found.get("extracted", ())),
            *defined(made, seen.records),
        ]
        if not writes:
            return ()
        id, now = self.new_id(), self._now()
        return (*writes, provenance(id, opened.id, writes, caller, opened.patient, now))

    async def discard(self, caller: Caller, id: str, version: int) -> None:
        """Stop a draft. Raises Conflict, Precondition."""

        def decide(seen: c.Seen) -> c.Decided:
            stopped = responses.discarded(seen.records.get((_RESPONSE, id)), version, caller)
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

    async def _write(
        self,
        caller: Caller,
        opened: Opened,
        status: str,
        language: str,
        made: Sequence[Made] = (),
    ) -> int:
        id, now = opened.id, self._now()
        given = items(opened.sheet, language)

        def asks(seen: c.Seen) -> c.Asking:
            changes = ((_RESPONSE, id), *(one.key for one in made))
            return c.Asking(changes=changes, looks=_looks(opened, status))

        def decide(seen: c.Seen) -> c.Decided:
            current = seen.records.get((_RESPONSE, id))
            tree = responses.changed(current, opened.version, given, status, caller, now)
            writes = [c.Write(_RESPONSE, id, tree)]
            for task in seen.found.get("tasks", ()):
                if responses.output(task) == f"{_RESPONSE}/{id}" and responses.is_asking(task):
                    done = responses.done(task, now)
                    writes.append(c.Write("Task", str(task["id"]), done, own=False))
            if status in ("completed", "amended"):
                writes += self._taken(caller, opened, tree, seen, made)
            return c.Decided(tuple(writes))

        act = c.Act(f"${_VERBS[status]}-form", (asks,), decide, about=f"{_RESPONSE}/{id}")
        return _version(await self.door.act(caller, act), opened.version)


_VERBS: Final = {"in-progress": "save", "completed": "complete", "amended": "amend"}


def _looks(opened: Opened, status: str) -> tuple[c.Look, ...]:
    """What an extraction has made before, and the tasks that ask for the form."""
    if status == "in-progress":
        return ()
    extracted = f"derived-from={_RESPONSE}/{opened.id}"
    looks = (c.Look("extracted", "Observation", extracted),)
    if status != "completed" or not opened.patient:
        return looks
    code = f"code={names.TASK_CODES}%7C{names.FILL}"
    asked = f"{code}&patient={opened.patient}&status=in-progress"
    return (*looks, c.Look("tasks", "Task", asked))


def _version(acted: Acted, before: int) -> int:
    written = acted.written[0].version
    return before if written is None else written.version


def _fillable(of: Form) -> None:
    """Raises Conflict for a form that is not in use, or that no response can name."""
    if not of.tree.get("url"):
        raise Conflict("This form has no url by which responses could name it; give it one.")
    if of.tree.get("status") != "active":
        raise Conflict("This form is not in use: it is a draft, or retired.")
    subjects = of.tree.get("subjectType")
    if isinstance(subjects, list) and subjects and "Patient" not in subjects:
        raise Conflict("This form is not about a patient.")
