"""Who acts for me: let somebody, see who does, end it.

Where people have accounts of ours, the invitation is a link that the patient hands over; the login
is made here, so that nobody learns by inviting who has an account.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from starlette.responses import Response

from careplane.access.people.standing import Ages, given_by, rights
from careplane.access.people.user import PROXY
from careplane.care.proxies.proxies import RELATIONSHIPS, Asked
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, Incorrect, TooMany
from careplane.records.commands import Note
from careplane.web.chart.banner import person
from careplane.web.forms import fields
from careplane.web.i18n import mark
from careplane.web.pages.people.guard import is_stale, to_confirm
from careplane.web.pages.portal.own import of, portal_of
from careplane.web.reader import NOT_ALLOWED
from careplane.web.say import types
from careplane.web.visit import Visit, redirect

HERE = "/my/proxies"
RELATED = {
    "CHILD": mark("My child"),
    "SPS": mark("My spouse"),
    "DOMPART": mark("My partner"),
    "PRN": mark("My parent"),
    "SIB": mark("My sibling"),
    "FRND": mark("A friend"),
    "HPOWATT": mark("Has my power of attorney"),
    "FAMMEMB": mark("Somebody else of my family"),
}
assert RELATED.keys() == RELATIONSHIPS.keys()
_NONE = {"name": "", "relationship": "", "rights": "read", "until": ""}


async def show(visit: Visit, patient: str) -> Response:
    """GET /my/proxies."""
    return await _page(visit, patient, said=visit.query("said"))


async def invite(visit: Visit, patient: str) -> Response:
    """POST /my/proxies. The link is shown this once."""
    caller = visit.caller
    assert caller is not None
    if is_stale(visit):
        return to_confirm(HERE)
    sent = await fields(visit.request)
    values = {key: sent.get(key, "").strip() for key in _NONE}
    try:
        id = await portal_of(visit).proxies.invite(caller, Asked(**values))
    except (Incorrect, TooMany) as refused:
        return await _page(visit, patient, values, problem=refused.text)
    login, link = await _account(visit, id, values["name"])
    return await _page(visit, patient, said="invited", link=link, login=login)


async def end(visit: Visit, patient: str) -> Response:
    """POST /my/proxies/{id}/end."""
    assert visit.caller is not None
    await portal_of(visit).proxies.end(visit.caller, visit.path("id"))
    return redirect(f"{HERE}?said=ended")


async def _account(visit: Visit, id: str, name: str) -> tuple[str, str]:
    """A login and the link to set it up; empty where the practice gives accounts."""
    people, session = visit.web.people, visit.session
    if people is None or session is None or people.provider is not None:
        return "", ""
    word = re.sub(r"[^a-z0-9]+", ".", name.casefold()).strip(".")[:40]
    login = f"{word or 'proxy'}.{secrets.token_hex(4)}"
    who = (f"RelatedPerson/{id}",)
    user, code = await people.registrar.add(session.tenant, login, name, who, (PROXY,))
    await visit.web.door.note(session.caller, Note("user-add", user.id))
    scope = visit.request.scope
    base = visit.web.addressing.base(scope, dict(scope["headers"])).removesuffix("/fhir")
    return login, f"{base}/set-up?code={code}"


async def _page(
    visit: Visit,
    patient: str,
    values: dict[str, str] = _NONE,
    problem: str = "",
    **more: str,
) -> Response:
    if visit.acts_for:
        raise Forbidden("Only the patient says who may act for them.")
    found, me = await visit.reader.several(
        ("RelatedPerson", of(patient, count=100)), ("Patient", [("_id", patient)])
    )
    self_ = me.trees[0] if me.trees else {}
    rows = [_row(visit, tree, self_) for tree in found.trees]
    return visit.render(
        "portal/proxies.html",
        400 if problem else 200,
        now=[row for row in rows if row["acts"]],
        past=[row for row in rows if not row["acts"]],
        related=RELATED,
        values=values,
        problem=problem,
        hidden=found is NOT_ALLOWED,
        **{"said": "", "link": "", "login": "", **more},
    )


def _row(visit: Visit, tree: Tree, patient: Tree) -> dict[str, Any]:
    portal = visit.web.portal
    may = rights(tree, patient, visit.today, portal.ages if portal else Ages())
    names = tree.get("name", ())
    said = str(names[0].get("text", "")) if names else ""
    return {
        "id": str(tree["id"]),
        "name": said or person(tree, visit.today).name.text,
        "related": ", ".join(types.concept(one) for one in tree.get("relationship", ())),
        "acts": bool(may),
        "rights": may or given_by(tree),
        "since": str(tree.get("period", {}).get("start", "")),
        "until": str(tree.get("period", {}).get("end", "")),
    }
