"""Bytes of resources: what came in, checked and indexed, and what is kept of it.

The bytes of the client are kept; `id` and the parts of `meta` that are the server's are taken out
here, and spliced in again by `whole` when they leave.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from careplane.fhir import structs
from careplane.fhir.codec import envelope
from careplane.fhir.validation import check
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import CareplaneError, Invalid, Issue, Malformed
from careplane.kernel.steps import Step, unwatched
from careplane.search.rows import Rows
from careplane.storage.ports.records import Version

Extract: TypeAlias = Callable[[structs.Struct], Rows]
Job: TypeAlias = tuple[str, bytes]
"""What to accept: the type that it must be of, and its bytes."""
_BREATH = 50
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class Content(Struct, frozen=True, array_like=True):
    """A resource that was found to be valid: `rest` is what will be stored; `id` as sent."""

    type: str
    id: str | None
    rest: bytes
    rows: Rows


def accept(extract: Extract, raw: bytes, type: str, step: Step = unwatched) -> Content:
    """Validate and index. Raises Malformed or Invalid with every problem."""
    with step("validate"):
        checked = check(raw, type)
    with step("extract"):
        rows = extract(checked.struct)
    return Content(checked.type, checked.id, checked.rest, rows)


def outcome(extract: Extract, job: Job) -> Content | CareplaneError:
    """As `accept`, with what is wrong as a value."""
    type, raw = job
    try:
        return accept(extract, raw, type)
    except (Malformed, Invalid) as error:
        return error


AcceptMany: TypeAlias = Callable[[Sequence[Job]], Awaitable[list[Content | CareplaneError]]]
"""Accepts the resources of a long Bundle, here or in another process; in their order."""


def accepting(extract: Extract) -> AcceptMany:
    """Here, letting other requests go in between."""

    async def accept_many(jobs: Sequence[Job]) -> list[Content | CareplaneError]:
        found = []
        for number, job in enumerate(jobs, 1):
            if number % _BREATH == 0:
                await asyncio.sleep(0)
            found.append(outcome(extract, job))
        return found

    return accept_many


def whole(version: Version) -> bytes:
    """The resource as it leaves."""
    return head(version).encode() + version.rest


def head(version: Version) -> str:
    """What stands before `rest` in the resource as it leaves, for who joins many."""
    return envelope.head(
        version.type, version.id, version.version, format_instant(version.last_updated)
    )


def rows_of(extract: Extract, version: Version | None) -> Rows:
    """The index rows of a stored version; none for a deletion, or where there is no version."""
    if version is None or version.deleted:
        return Rows()
    return extract(structs.decoder(version.type).decode(whole(version)))


def check_id(id: str) -> str:
    """A logical id that a client chose for a new resource, or Invalid."""
    if _ID.fullmatch(id):
        return id
    issue = Issue(
        "error", "value", "An id has 1 to 64 of the characters A-Z a-z 0-9 - and .", "Resource.id"
    )
    raise Invalid(issue.text, issues=(issue,))


def check_same_id(content: Content, id: str) -> None:
    """R4 3.1.0.5: the body of an update carries the id of its address."""
    if content.id == id:
        return
    what = "has no id" if content.id is None else "has another id than its address"
    issue = Issue("error", "value", f"The resource {what}.", f"{content.type}.id")
    raise Invalid(issue.text, issues=(issue,))
