"""Pages by which people sign in, set up how, look after it, and are administered."""

from __future__ import annotations

from careplane.web.pages.people import administering, clients, confirm, enter, security, set_up
from careplane.web.pages.people.guard import administrator, person
from careplane.web.visit import Handler

PUBLIC: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/sign-in/password", enter.by_password),
    ("POST", "/sign-in/passkey/options", enter.options),
    ("POST", "/sign-in/passkey", enter.by_passkey),
    ("GET", "/sign-in/provider/begin", enter.begin),
    ("GET", "/sign-in/provider", enter.by_provider),
    ("GET", "/set-up", set_up.show),
    ("POST", "/set-up", set_up.by_password),
    ("POST", "/set-up/passkey/options", set_up.options),
    ("POST", "/set-up/passkey", set_up.by_passkey),
)

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/confirm", person(confirm.show)),
    ("POST", "/confirm", person(confirm.by_password)),
    ("POST", "/confirm/passkey/options", person(confirm.options)),
    ("POST", "/confirm/passkey", person(confirm.by_passkey)),
    ("POST", "/act-for", person(enter.act_for)),
    ("GET", "/security", person(security.show)),
    ("POST", "/security/sessions/end", person(security.end)),
    ("POST", "/security/sessions/end-all", person(security.end_all)),
    *(
        (verb, f"/security/{path}", person(page, fresh="/security"))
        for verb, path, page in security.FRESH
    ),
    ("GET", "/people", administrator(administering.everybody)),
    ("POST", "/people", administrator(administering.add)),
    ("GET", "/people/{id}", administrator(administering.show)),
    ("POST", "/people/{id}", administrator(administering.change)),
    ("GET", "/clients", administrator(clients.everything)),
    ("POST", "/clients", administrator(clients.add)),
    ("POST", "/clients/{id}", administrator(clients.change, "/clients")),
)
