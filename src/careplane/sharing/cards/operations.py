"""`Patient/[id]/$health-cards-issue` (SMART Health Cards, "via FHIR `$health-cards-issue`")."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.fhir.definitions import OperationDef, OperationParameter
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect, Unsupported
from careplane.rest.addressing import ROOT
from careplane.rest.operation import Call, Operation
from careplane.rest.response import Response
from careplane.sharing.cards.card import TYPE
from careplane.sharing.cards.cards import KINDS, Cards
from careplane.sharing.cards.content import CLAIMS, IDENTITY

_NEUTRAL = ("_format", "_pretty")
_KNOWN = ("credentialType", "credentialValueSet", "includeIdentityClaim", "_since")
_PROFILES = "http://hl7.org/fhir/StructureDefinition/"
_TYPES = {
    name: key
    for key, kind in KINDS.items()
    for name in (kind.type, _PROFILES + kind.type, kind.credential)
}
_DEFINITION = OperationDef(
    "patient-i-health-cards-issue",
    "health-cards-issue",
    (),
    False,
    False,
    True,
    False,
    tuple(
        OperationParameter(name, "in", least, most, kind, "", (), ())
        for name, least, most, kind in (
            ("credentialType", 1, None, "uri"),
            ("credentialValueSet", 0, None, "uri"),
            ("includeIdentityClaim", 0, None, "string"),
            ("_since", 0, 1, "dateTime"),
        )
    ),
    "http://hl7.org/fhir/uv/smart-health-cards-and-links/OperationDefinition/"
    "patient-i-health-cards-issue",
)


def operations(cards: Cards) -> tuple[Operation, ...]:
    """For `app.build`."""

    async def issue(call: Call) -> Response:
        call.refuse_others(*_KNOWN, *_NEUTRAL)
        assert call.id is not None
        if call.all("credentialValueSet"):
            raise Unsupported("Cards are not chosen by value sets here; choose by _since and type.")
        issuer = call.request.base.removesuffix(ROOT)
        claims, since = _claims(call), call.text("_since") or ""
        made = [
            card
            for kind in _kinds(call)
            for card in await cards.issue(call.request.caller, call.id, kind, issuer, claims, since)
        ]
        told: list[Tree] = [{"name": "verifiableCredential", "valueString": o.jws} for o in made]
        for place, card in enumerate(made):
            for n, reference in enumerate((f"Patient/{call.id}", *card.holds)):
                told.append(_link(place, n, f"{call.request.base}/{reference}"))
        body: Tree = {"resourceType": "Parameters", **({"parameter": told} if told else {})}
        return Response(200, json.dump(body))

    return (Operation(_DEFINITION, issue, frozenset({"Patient"})),)


def _kinds(call: Call) -> list[str]:
    """Of each type that is asked for its cards."""
    asked = [str(one) for one in call.all("credentialType")]
    if not asked:
        raise Incorrect("Name a credentialType, such as Immunization.")
    unknown = next((one for one in asked if one not in _TYPES and one != TYPE), None)
    if unknown is not None:
        raise Unsupported(f"There are cards of Immunization and Observation, none of {unknown!r}.")
    chosen = [_TYPES[one] for one in asked if one != TYPE]
    return list(dict.fromkeys(chosen or KINDS))


def _claims(call: Call) -> tuple[str, ...]:
    asked = [str(one).removeprefix("Patient.") for one in call.all("includeIdentityClaim")]
    wrong = next((one for one in asked if one not in IDENTITY), None)
    if wrong is not None:
        raise Incorrect(f"An identity claim is one of Patient.{', Patient.'.join(IDENTITY)}.")
    return tuple(asked) or CLAIMS


def _link(place: int, n: int, hosted: str) -> Tree:
    return {
        "name": "resourceLink",
        "part": [
            {"name": "vcIndex", "valueInteger": place},
            {"name": "bundledResource", "valueUri": f"resource:{n}"},
            {"name": "hostedResource", "valueUri": hosted},
        ],
    }
