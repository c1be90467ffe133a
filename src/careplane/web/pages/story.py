"""The demo's story of two minutes: an alarm, the chart, a visit, a record that is shared, and who
saw it. Each step opens the page as the role that it is for."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from careplane.kernel.errors import NotFound
from careplane.web.i18n import mark
from careplane.web.visit import Visit

_DEVIN = "/patients/devin-bailey"


@dataclass(frozen=True, slots=True)
class Step:
    """Who looks at what; `says` is what there is to see or to do."""

    role: str
    path: str
    title: str
    says: str


STEPS = (
    Step("physician", "/", mark("An alarm"),
         mark("Home monitoring reports that the weight of Devin Bailey rises. It stands on the "
              "physician's home, beside the day and the results to acknowledge.")),
    Step("physician", f"{_DEVIN}/vitals/29463-7", mark("The trend and its reason"),
         mark("Sixty days of weight, with the patient's own limit; the chart has the heart failure "
              "behind it.")),
    Step("physician", f"{_DEVIN}/prescribe", mark("A prescription that is checked"),
         mark("Search for amoxicillin: the allergy to penicillin stands against it, and saving "
              "asks for a reason.")),
    Step("patient", "/book", mark("A visit is booked"),
         mark("The patient chooses what for, with whom and when.")),
    Step("patient", "/", mark("And held by video"),
         mark("Today's visit can be joined from the patient's home; open the physician's home in "
              "another browser, and both see each other.")),
    Step("patient", f"{_DEVIN}/share", mark("The record is shared by QR code"),
         mark("Make a QR code and open it with a phone, or open the link below it in another "
              "browser: it shows a summary, with a passcode and an end.")),
    Step("patient", f"{_DEVIN}/access", mark("Who saw it"),
         mark("That very access stands on top, beside the clinicians'. Each entry is sealed in the "
              "ledger: “careplane ledger verify” proves that none was changed.")),
    Step("physician", "/referrals", mark("Referral from another institution"),
         mark("A practice on the same installation refers a patient. Compare who it is, and take "
              "her in: her summary and the letter come into the record only then.")),
)  # fmt: skip


async def show(visit: Visit) -> Response:
    """GET /story, of the demo alone."""
    if not visit.web.roles:
        raise NotFound("There is no such page.")
    titles = {role.key: role.title for role in visit.web.roles}
    return visit.render("pages/story.html", steps=STEPS, titles=titles)
