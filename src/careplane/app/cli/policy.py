"""careplane policy check|show: what the policies say, before a server is started on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from careplane.app.cli.options import Json, say, settings

if TYPE_CHECKING:
    from careplane.access.policy.policies import Policies

app = typer.Typer(help="Look at the policies that decide who sees what.", no_args_is_help=True)

Folder = Annotated[
    str | None,
    typer.Option(help="Folder of the institution's policies; default: $CAREPLANE_POLICIES."),
]


@app.command()
def check(policies: Folder = None, json: Json = False) -> None:
    """Read every policy as a server does when it starts, and say what is wrong with which."""
    found = _policies(policies).rules
    files = sorted({rule.place.rpartition(":")[0] for rule in found})
    text = f"{len(found)} policies in {len(files)} files are good: {', '.join(files)}"
    say({"policies": len(found), "files": files}, text, json)


@app.command()
def show(
    role: Annotated[str, typer.Option(help="Role, such as nurse.")],
    type: Annotated[str, typer.Option(help="Resource type, such as Observation.")],
    user: Annotated[
        str, typer.Option(help="Who asks, such as Practitioner/17.")
    ] = "Practitioner/x",
    patient: Annotated[str | None, typer.Option(help="In the name of which patient.")] = None,
    purpose: Annotated[str, typer.Option(help="Purpose of use.")] = "TREAT",
    policies: Folder = None,
    json: Json = False,
) -> None:
    """What the policies let a role do with a type, action by action, which of them say so, and
    what they hide of what they show."""
    from careplane.access.policy.terms import PURPOSES
    from careplane.fhir.definitions import RESOURCE_TYPES
    from careplane.kernel.errors import Incorrect

    if type not in RESOURCE_TYPES:
        raise Incorrect(f"{type!r} is not a FHIR R4 resource type.")
    if purpose not in PURPOSES:
        raise Incorrect(f"{purpose!r} is no purpose of use; use {', '.join(sorted(PURPOSES))}.")
    answers = _answers(_policies(policies), role, type, user, patient, purpose)
    lines = [f"{a['action']:7} {a['allowed']:6} {' '.join(a['policies'])}" for a in answers]
    shown = answers[0]
    lines += [f"hidden, at most: {', '.join(shown['hides'])}"] if shown["hides"] else []
    lines += [f"de-identified, for the study: {shown['study']}"] if shown["study"] else []
    say(answers, "\n".join(line.rstrip() for line in lines), json)


def _policies(folder: str | None) -> Policies:
    from careplane.app.policing import policies_of

    return policies_of(settings(policies=folder))


def _answers(
    policies: Policies, role: str, type: str, user: str, patient: str | None, purpose: str
) -> list[dict[str, Any]]:
    from careplane.access.caller import Caller
    from careplane.access.policy.terms import Asked, asker_of
    from careplane.access.scopes import Permission
    from careplane.search.plan import Everything, Nothing
    from careplane.storage.ports.records import Tenant

    caller = Caller(Tenant(1), user, user, frozenset(), patient, frozenset({role}), purpose)
    view = policies.view(caller)
    hides = sorted(map(".".join, view.bound(type))) if view else []
    study = view.study if view else ""
    answers = []
    for permission in Permission:
        node = policies.restriction(caller, permission, type)
        asked = Asked(asker_of(caller), permission, type)
        says = [
            rule.place
            for rule in policies.about(permission, type)
            if not isinstance(policies.condition(rule, asked), Nothing)
        ]
        allowed = {Everything: "always", Nothing: "never"}.get(node.__class__, "where")
        answers.append(
            {
                "action": permission.name.lower(),
                "allowed": allowed,
                "policies": says,
                "hides": hides,
                "study": study,
            }
        )
    return answers
