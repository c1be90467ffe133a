"""`$status`, `$events` and `$get-ws-binding-token` of Subscription (backport 1.1, Operations)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from careplane.access.kept import kept
from careplane.fhir.codec import json
from careplane.fhir.definitions import OperationDef
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.elements import single
from careplane.interop.subscriptions.journal import Journal
from careplane.interop.subscriptions.notification import Told, bundle_of, status_of
from careplane.interop.subscriptions.owner import Seal, SubscriptionBinding, opened
from careplane.interop.subscriptions.sockets import MOST_BOUND, PATH
from careplane.interop.subscriptions.subscription import CONTENTS, Content, Subscription, read
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import CareplaneError, Forbidden, Incorrect, TooLarge
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.results import Version
from careplane.rest.addressing import ROOT
from careplane.rest.bundle import bundle
from careplane.rest.operation import Call, Operation
from careplane.rest.response import Response

_TOKEN_SECONDS = 3600
_MOST_EVENTS = 1000
_MOST = 1000
_NUMBER = re.compile(r"[0-9]{1,15}")
_NEUTRAL = ("_format", "_pretty")
_SUBSCRIPTION = frozenset({"Subscription"})


def _definition(code: str, *, type: bool) -> OperationDef:
    id = f"backport-subscription-{code}"
    url = f"{names.GUIDE}/OperationDefinition/{id}"
    return OperationDef(id, code, ("Subscription",), False, type, True, False, (), url)


@dataclass(frozen=True, slots=True)
class Operations:
    """The three, over what the journal knows."""

    journal: Journal
    seals: Seal
    clock: Clock

    def offered(self) -> tuple[Operation, ...]:
        """For `app.build`."""
        return (
            Operation(_definition("status", type=True), self.status, _SUBSCRIPTION),
            Operation(_definition("events", type=False), self.events, _SUBSCRIPTION),
            Operation(_definition("get-ws-binding-token", type=True), self.token, _SUBSCRIPTION),
        )

    async def status(self, call: Call) -> Response:
        """A searchset of statuses: of one subscription, or of all that the caller may see."""
        call.refuse_others("id", "status", *_NEUTRAL)
        entries = []
        wanted = {str(one) for one in call.all("status")} if call.id is None else set()
        for subscription, _ in await _asked(call):
            standing = await self.journal.standing(subscription.id)
            count, _ = await self.journal.last(subscription.id, standing)
            if wanted and subscription.status not in wanted:
                continue
            base = call.request.base
            written = status_of(
                base,
                subscription,
                "query-status",
                subscription.status,
                count,
                error=standing.error,
            )
            full = f"urn:uuid:{written['id']}"
            entries.append({"fullUrl": full, "resource": written, "search": {"mode": "match"}})
        return Response(200, bundle("searchset", map(json.dump, entries), (), len(entries)))

    async def events(self, call: Call) -> Response:
        """Events again, by number, with what the caller may read of them now."""
        call.refuse_others("eventsSinceNumber", "eventsUntilNumber", "content", *_NEUTRAL)
        ((subscription, _),) = await _asked(call)
        since, until = _number(call, "eventsSinceNumber"), _number(call, "eventsUntilNumber")
        content = _content(call, subscription)
        found = await self.journal.events(
            subscription.id, max((since or 1) - 1, 0), _MOST_EVENTS + 1
        )
        events = [event for event in found if until is None or event.number <= until]
        if len(events) > _MOST_EVENTS:
            text = f"These are more than {_MOST_EVENTS} events; name eventsUntilNumber."
            raise TooLarge(text)
        told: list[Told] = [(event, None) for event in events]
        if content != "empty" and events:
            command = c.Disclose(
                f"Subscription/{subscription.id}/$events",
                tuple((e.type, e.id, e.version) for e in events),
            )
            versions = await call.service.door.disclose(call.request.caller, command)
            told = list(zip(events, versions, strict=True))
        standing = await self.journal.standing(subscription.id)
        count, _ = await self.journal.last(subscription.id, standing)
        base = call.request.base
        status = status_of(
            base,
            subscription,
            "query-event",
            subscription.status,
            count,
            told,
            content,
            standing.error,
        )
        return Response(200, bundle_of(base, subscription, status, told, self.clock(), content))

    async def token(self, call: Call) -> Response:
        """A token with which a websocket is bound to the caller's own subscriptions."""
        call.refuse_others("id", *_NEUTRAL)
        caller = call.request.caller
        asked = [
            subscription
            for subscription, owner in await _asked(call)
            if subscription.kind == "websocket" and self._owns(call, owner)
        ]
        named = call.id is not None or bool(call.all("id"))
        if not asked:
            what = "These are" if named else "There are"
            raise Forbidden(f"{what} no subscriptions of this caller with a websocket.")
        if len(asked) > MOST_BOUND:
            raise TooLarge(f"A socket takes at most {MOST_BOUND} subscriptions; name some by id.")
        until = self.clock() + _TOKEN_SECONDS * 1_000_000
        ids = tuple(subscription.id for subscription in asked)
        sealed = self.seals.seal(SubscriptionBinding(kept(caller), ids, until))
        parameters: list[Tree] = [
            {"name": "token", "valueString": sealed},
            {"name": "expiration", "valueDateTime": format_instant(until)},
            *({"name": "subscription", "valueString": id} for id in ids),
            {"name": "websocket-url", "valueUrl": websocket_url(call.request.base)},
        ]
        body: Tree = {"resourceType": "Parameters", "parameter": parameters}
        return Response(200, json.dump(body))

    def _owns(self, call: Call, sealed: str) -> bool:
        owner = opened(self.seals, sealed)
        caller = call.request.caller
        return owner is not None and (owner.tenant, owner.id) == (caller.tenant, caller.id)


def websocket_url(base: str) -> str:
    """The address of the websocket beside this address of the FHIR interface."""
    return "ws" + base.removeprefix("http").removesuffix(ROOT) + PATH


async def _asked(call: Call) -> list[tuple[Subscription, str]]:
    """The subscriptions that are meant and that the caller may read, with their sealed owners."""
    door, caller = call.service.door, call.request.caller
    if call.id is not None:
        return [_read(await door.read(caller, c.Read("Subscription", call.id)))]
    ids = [str(one) for one in call.all("id")]
    if len(ids) > _MOST:
        raise TooLarge(f"At most {_MOST} subscriptions are asked about at once.")
    pairs = (("_count", str(_MOST)), *((("_id", ",".join(ids)),) if ids else ()))
    found: list[tuple[Subscription, str]] = []
    for version in (await door.search(caller, c.Search("Subscription", pairs))).matches:
        try:
            found.append(_read(version))
        except CareplaneError:
            continue  # one from before topics has no events
    return found


def _read(version: Version) -> tuple[Subscription, str]:
    tree = json.parse(whole(version))
    return read(tree, version.id), str(single(tree, names.OWNER) or "")


def _number(call: Call, name: str) -> int | None:
    text = call.text(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise Incorrect(f"{name} is a whole number.")
    return int(text)


def _content(call: Call, subscription: Subscription) -> Content:
    asked = call.text("content")
    if asked is not None and asked not in CONTENTS:
        raise Incorrect(f"content is one of {', '.join(CONTENTS)}.")
    return next((one for one in CONTENTS if one == asked), subscription.content)
