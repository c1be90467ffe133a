"""Prescribing: what is written is checked first, and what is gone past is kept with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from careplane.access.caller import Caller
from careplane.care import asking
from careplane.care.prescribing import issues, prescription, refill
from careplane.care.prescribing.checks.meaning import Codes
from careplane.care.prescribing.checks.port import Asked, Check, Finding
from careplane.care.prescribing.prescription import Prescription
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Conflict, Forbidden, Incorrect, NotFound, Precondition
from careplane.kernel.ids import NewId
from careplane.records import commands as c
from careplane.records.door import Door

_MOST: Final = 200
"""Medicines and allergies of one patient that a prescription is held against."""
_LONGEST: Final = 500
_TICK = 0.002
"""Seconds after which records have another time: what was written before has an earlier one."""


class Unanswered(Conflict):
    """Findings stand against a prescription, and no reason was given to go past one of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("Say why you prescribe this nevertheless, for each warning.")
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The prescription that a new one takes the place of, at the version that was seen. `status`
    and `reason` are what becomes of it (`prescription.ended`); nothing, where it has ended."""

    id: str
    version: int
    status: str = "completed"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prescribing:
    """Over the door of an installation. Further checks may stand behind those that ship."""

    door: Door
    clock: Clock
    new_id: NewId
    checks: tuple[Check, ...]

    async def check(
        self, caller: Caller, patient: str, medication: Tree, dosage: Tree, without: str = ""
    ) -> tuple[Finding, ...]:
        """What stands against a medicine for this patient, by what the caller may see; the
        MedicationRequest `without` does not count. Graver findings come first."""
        where = ("patient", patient)
        requests, statements, allergies = await asking.several(
            self.door,
            caller,
            ("MedicationRequest", [where, ("status", "active,on-hold"), ("_count", str(_MOST))]),
            ("MedicationStatement", [where, ("status", "active"), ("_count", str(_MOST))]),
            ("AllergyIntolerance", [where, ("_count", str(_MOST))]),
        )
        medicines = [t for t in requests if t["id"] != without and _is_order(t)]
        asked = Asked(
            caller,
            medication,
            dosage,
            (*medicines, *statements),
            tuple(filter(_is_active, allergies)),
            Codes(self.door, caller),
        )
        found = await asyncio.gather(*(check(asked) for check in self.checks))
        told: dict[str, Finding] = {}
        for finding in (finding for findings in found for finding in findings):
            told.setdefault(finding.key, finding)
        return tuple(sorted(told.values(), key=lambda one: _RANK.get(one.severity, 3)))

    async def prescribe(
        self,
        caller: Caller,
        asked: Prescription,
        reasons: Mapping[str, str],
        replaced: Replaced | None = None,
        answers: str = "",
    ) -> str:
        """Write a prescription; the id of it. `reasons` are why it is made nevertheless, by the
        keys of findings; `answers` is the id of a refill Task that it answers. Raises Incorrect,
        Unanswered, Precondition where `replaced` has changed, Conflict where medicines or allergies
        of the patient have changed since they were looked at."""
        if not self.door.may(caller, "c", "MedicationRequest"):
            raise Forbidden("Prescriptions are written by those who may prescribe.")
        await asyncio.sleep(_TICK)
        started = format_instant(self.clock())
        without = replaced.id if replaced else ""
        found = await self.check(caller, asked.patient, asked.medication, asked.dosage, without)
        _require_reasons(found, reasons)
        new, now, author = self.new_id(), format_instant(self.clock()), asking.author(caller)
        kept = [(self.new_id(), finding) for finding in found if reasons.get(finding.key)]
        tree = prescription.request(asked, author, now, without, tuple(id for id, _ in kept))
        writes = [c.Write("MedicationRequest", new, tree)]
        for id, finding in kept:
            said = issues.issue(finding, reasons[finding.key], asked.patient, new, author, now)
            writes.append(c.Write("DetectedIssue", id, said))
        changes = [("MedicationRequest", replaced.id)] if replaced else []
        changes += [("Task", answers)] if answers else []

        def decide(seen: c.Seen) -> c.Decided:
            _require_unchanged(seen, started)
            before = [_ending(seen, replaced)] if replaced and replaced.status else []
            answered = [refill.approved(seen, answers, new, now, author)] if answers else []
            return c.Decided((*writes, *before, *answered), about=f"MedicationRequest/{new}")

        act = c.Act(
            "$prescribe",
            (
                lambda seen: c.Asking(changes=tuple(changes)),
                lambda seen: c.Asking(looks=_looks(asked.patient)),
            ),
            decide,
            needs=(("c", "MedicationRequest"), ("r", "AllergyIntolerance")),
        )
        await self.door.act(caller, act)
        return new

    async def stop(self, caller: Caller, id: str, reason: str, version: int) -> None:
        """End a prescription; `reason` is a code of `prescription.STOPPING`, or words. Raises
        NotFound, Incorrect, Conflict where it has ended, Precondition where it has changed."""
        if not reason.strip() or len(reason) > _LONGEST:
            raise Incorrect("Say why it is stopped, in 500 characters at most.")
        gone = Replaced(id, version, "stopped", reason.strip())

        def decide(seen: c.Seen) -> c.Decided:
            return c.Decided((_ending(seen, gone),), about=f"MedicationRequest/{id}")

        changes = (("MedicationRequest", id),)
        act = c.Act("$stop", (lambda seen: c.Asking(changes=changes),), decide)
        await self.door.act(caller, act)


def _require_reasons(found: Sequence[Finding], reasons: Mapping[str, str]) -> None:
    if any(len(reason) > _LONGEST for reason in reasons.values()):
        raise Incorrect("A reason has 500 characters at most.")
    if any(one.needs_reason and not reasons.get(one.key, "").strip() for one in found):
        raise Unanswered(found)


def _looks(patient: str) -> tuple[c.Look, ...]:
    """What the findings rest on: it must still be so when the prescription is written."""
    return (
        c.Look("medicines", "MedicationRequest", f"patient={patient}&status=active,on-hold"),
        c.Look("allergies", "AllergyIntolerance", f"patient={patient}"),
    )


def _require_unchanged(seen: c.Seen, started: str) -> None:
    for tree in (*seen.found["medicines"], *seen.found["allergies"]):
        if str(tree.get("meta", {}).get("lastUpdated", "")) >= started:
            raise Conflict(
                "Medicines or allergies of this patient were changed just now; look at the "
                "warnings again, then save."
            )


def _ending(seen: c.Seen, gone: Replaced) -> c.Write:
    tree = seen.records.get(("MedicationRequest", gone.id))
    if tree is None:
        raise NotFound("There is no such prescription, or none that you may change.")
    if int(tree["meta"]["versionId"]) != gone.version:
        raise Precondition("Somebody changed this prescription; look at it as it is now.")
    if tree.get("status") not in prescription.IN_USE:
        raise Conflict("This prescription has ended already.")
    ended = prescription.ended(tree, gone.status, gone.reason)
    return c.Write("MedicationRequest", gone.id, ended)


def _is_order(tree: Tree) -> bool:
    return tree.get("intent") not in ("proposal", "option") and not tree.get("doNotPerform")


def _is_active(tree: Tree) -> bool:
    codes = (c.get("code") for c in tree.get("clinicalStatus", {}).get("coding", ()))
    verified = (c.get("code") for c in tree.get("verificationStatus", {}).get("coding", ()))
    return next(codes, "active") == "active" and next(verified, "") not in (
        "refuted",
        "entered-in-error",
    )


_RANK: Final = {"high": 0, "moderate": 1, "low": 2}
