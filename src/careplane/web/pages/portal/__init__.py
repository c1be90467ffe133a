"""The patient's portal: pages under `/my` about the one in whose name the visitor acts.

The home is at `/`, for who acts as a patient. Apps, decisions about sharing and who opened the
record are pages of their own, to which the portal leads.
"""

from careplane.web.pages.portal import (
    calendar,
    corrections,
    documents,
    given,
    health,
    home,
    medicines,
    proxies,
    results,
    visits,
)
from careplane.web.pages.portal.own import own
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/my/menu", own(home.menu)),
    ("GET", "/my/results", own(results.show)),
    ("GET", "/my/results/{code}", own(results.test)),
    ("GET", "/my/reports/{id}", own(results.one_report)),
    ("GET", "/my/reports/{id}/files/{number}", own(documents.file_of_report)),
    ("GET", "/my/documents", own(given.show)),
    ("POST", "/my/documents", own(given.send)),
    ("GET", "/my/documents/{id}", own(documents.show)),
    ("GET", "/my/documents/{id}/files/{number}", own(documents.file)),
    ("GET", "/my/visits", own(visits.show)),
    ("GET", "/my/visits/{id}", own(visits.one)),
    ("POST", "/my/visits/{id}/cancel", own(visits.cancel)),
    ("GET", "/my/visits/{id}/ical", own(visits.ical)),
    ("GET", "/my/medicines", own(medicines.show)),
    ("GET", "/my/health", own(health.show)),
    ("GET", "/my/calendar", own(calendar.show)),
    ("POST", "/my/calendar", own(calendar.make)),
    ("POST", "/my/calendar/end", own(calendar.end)),
    ("GET", "/my/corrections", own(corrections.show)),
    ("POST", "/my/corrections", own(corrections.ask)),
    ("GET", proxies.HERE, own(proxies.show)),
    ("POST", proxies.HERE, own(proxies.invite)),
    ("POST", "/my/proxies/{id}/end", own(proxies.end)),
)
