"""Compartments: which search parameters make a resource a member (FHIR R4, 2.46)."""

from __future__ import annotations

_ALSO: dict[str, dict[str, tuple[str, ...]]] = {
    "Patient": {"Binary": ("patient",), "Device": ("patient",)}
}
"""Members that R4 does not list: a device that names a patient is about that patient, and so is a
file whose securityContext is one (docs/clarifications.md)."""


def compartment(code: str) -> dict[str, tuple[str, ...]]:
    """Resource type -> search parameters, for `Patient`, `Encounter`, `Practitioner`,
    `RelatedPerson` or `Device`. Raises KeyError for another name. The compartment's own
    resource is a member too, whatever its parameters say."""
    from careplane.fhir.generated.compartments import COMPARTMENTS  # on first use only

    return COMPARTMENTS[code] | _ALSO.get(code, {})
