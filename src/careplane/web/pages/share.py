"""The tab from which a record is given to others: copies to take along, and health links."""

from __future__ import annotations

from typing import Any

from careplane.kernel.errors import NotFound
from careplane.sharing.ips.sections import SECTIONS
from careplane.web.chart import shared
from careplane.web.visit import Visit
from careplane.words.languages import LANGUAGES
from careplane.words.patients import language_of

Sent = dict[str, str]


async def tab(visit: Visit, patient: str) -> dict[str, Any]:
    """What can be given, and the links that there are."""
    return await filled(visit, patient, {})


async def filled(
    visit: Visit, patient: str, sent: Sent, problem: str = "", blamed: str = ""
) -> dict[str, Any]:
    """The same, with a form that has been sent and is not right yet: what is wrong, and which part
    of the wish is to blame."""
    desk, caller = visit.web.sharing, visit.caller
    if desk is None:
        raise NotFound("Nothing is shared from here.")
    assert caller is not None
    own = desk.shares.may(caller, patient)
    links = await desk.shares.of(caller, patient) if own else []
    record = await visit.reader.read("Patient", patient)
    now = visit.web.clock()
    return {
        "own": own,
        "links": [shared.row(link, now) for link in links],
        "sent": shared.filled(sent),
        "problem": problem,
        "blamed": shared.FIELDS.get(blamed, ""),
        "contents": {key: shared.CONTENTS[key] for key in desk.shares.contents},
        "sections": [(section.key, shared.SECTIONS[section.key]) for section in SECTIONS],
        "lasting": shared.LASTING,
        "spoken": LANGUAGES[language_of(record.tree)].name,
        "cards": shared.CARDS,
    }
