"""A transaction or batch, put together entry by entry (FHIR R4, 3.1.0.11).

t = Transaction()
patient = t.create(Patient(name=[HumanName(family="Okafor")]))
t.create(Observation(..., subject=Reference(reference=patient)))
client.send(t)
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from careplane.client.wire import Parameters, decode, decode_any, encode, name, pairs
from careplane.fhir.codec import json
from careplane.fhir.generated.structs.bundle import Bundle, BundleEntry
from careplane.fhir.structs import Struct
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Incorrect


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry. `resource` is what the server sent for it, if anything."""

    status: int
    location: str
    etag: str
    resource: Struct | None
    outcome: Struct | None


class Transaction:
    """All or nothing; as a `batch`, each entry for itself."""

    def __init__(self, kind: Literal["transaction", "batch"] = "transaction") -> None:
        self.kind = kind
        self._entries: list[Tree] = []

    def __len__(self) -> int:
        return len(self._entries)

    def create(self, resource: Struct, *, if_none_exist: str | None = None) -> str:
        """The address by which other entries may refer to what is created."""
        asked = {"method": "POST", "url": name(type(resource))}
        address = f"urn:uuid:{uuid.uuid4()}"
        condition = {} if if_none_exist is None else {"ifNoneExist": if_none_exist}
        self._add(asked | condition, resource, address)
        return address

    def update(
        self, resource: Struct, *, if_match: str | None = None, where: Parameters | None = None
    ) -> str:
        """Update by id, or the one that matches. The address for references to it."""
        kind, id = name(type(resource)), getattr(resource, "id", None)
        if where is None and not id:
            raise Incorrect("An update needs a resource with an id, or criteria.")
        address = f"{kind}/{id}" if where is None else f"urn:uuid:{uuid.uuid4()}"
        url = address if where is None else f"{kind}?{urlencode(pairs(where))}"
        self._add({"method": "PUT", "url": url} | _tag(if_match), resource, address)
        return address

    def delete(self, type: type[Struct], id: str, *, if_match: str | None = None) -> None:
        """Delete by id."""
        self._add({"method": "DELETE", "url": f"{name(type)}/{id}"} | _tag(if_match))

    def read(self, type: type[Struct], id: str) -> None:
        """Read what the others leave behind."""
        self._add({"method": "GET", "url": f"{name(type)}/{id}"})

    def search(self, type: type[Struct], criteria: Parameters | None = None, **more: Any) -> None:
        """Search what the others leave behind; the answer is a Bundle."""
        self._add({"method": "GET", "url": f"{name(type)}?{urlencode(pairs(criteria, more))}"})

    def bundle(self) -> bytes:
        """The Bundle to be sent."""
        entries = {"entry": self._entries} if self._entries else {}
        return json.dump({"resourceType": "Bundle", "type": self.kind} | entries)

    def _add(self, request: Tree, resource: Struct | None = None, address: str = "") -> None:
        full = {"fullUrl": address} if address.startswith("urn:") else {}
        body = {} if resource is None else {"resource": json.parse(encode(resource))}
        self._entries.append({**full, **body, "request": request})


def outcomes(raw: bytes) -> list[Outcome]:
    """What became of each entry, in the order in which they were added."""
    return [_outcome(entry) for entry in decode(Bundle, raw).entry or []]


def _outcome(entry: BundleEntry) -> Outcome:
    response = entry.response
    status = (response.status or "") if response else ""
    return Outcome(
        int(status[:3]) if status[:3].isdigit() else 0,
        (response.location or "") if response else "",
        (response.etag or "") if response else "",
        decode_any(bytes(entry.resource)) if entry.resource else None,
        decode_any(bytes(response.outcome)) if response and response.outcome else None,
    )


def _tag(if_match: str | None) -> Tree:
    return {} if if_match is None else {"ifMatch": f'W/"{if_match}"'}
