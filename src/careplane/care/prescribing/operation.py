"""`MedicationRequest/$check`: what stands against a prescription, told to programs. Not of R4."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.care.prescribing import issues
from careplane.care.prescribing.checks.port import medication_of
from careplane.care.prescribing.prescribing import Prescribing
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect
from careplane.rest.operation import Call, Operation, our_definition
from careplane.rest.response import Response

_TYPES = frozenset({"MedicationRequest"})


@dataclass(frozen=True, slots=True)
class Operations:
    """Over the service of an installation."""

    prescribing: Prescribing

    def offered(self) -> tuple[Operation, ...]:
        """For `app.build`."""
        return (Operation(our_definition("check", type=True), self.check, _TYPES),)

    async def check(self, call: Call) -> Response:
        """A Bundle of DetectedIssues, the gravest first; empty where nothing is known against the
        MedicationRequest in the body, which is not stored."""
        call.refuse_others("_format", "_pretty")
        tree = json.parse(call.resource) if call.resource else {}
        subject = str(tree.get("subject", {}).get("reference", ""))
        medication = medication_of(tree)
        if tree.get("resourceType") != "MedicationRequest" or not subject.startswith("Patient/"):
            raise Incorrect("Send a MedicationRequest with its subject, a Patient of this server.")
        if not medication:
            raise Incorrect("The MedicationRequest says no medicine, by code or by words.")
        dosage: Tree = next(iter(tree.get("dosageInstruction", ())), {})
        patient, id = subject.removeprefix("Patient/"), str(tree.get("id", ""))
        found = await self.prescribing.check(call.request.caller, patient, medication, dosage, id)
        entries: list[Tree] = [{"resource": issues.proposed(one, patient)} for one in found]
        body: Tree = {"resourceType": "Bundle", "type": "collection"}
        if entries:
            body["entry"] = entries
        return Response(200, json.dump(body), [(b"cache-control", b"no-store")])
