"""`GET /metadata?mode=terminology`: which code systems this server knows, and what it can do with
them (FHIR R4, 3.1.0.10.1 and 4.3 TerminologyCapabilities). Made of the library itself."""

from __future__ import annotations

from itertools import groupby

from careplane import __version__
from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.terminology.library import Library

_PARAMETERS = {
    "activeOnly": "Leaves inactive concepts out.",
    "check-system-version": "Refuses other versions of a code system.",
    "count": "Codes of a page.",
    "default-valueset-version": "The version of a value set that is imported without one.",
    "displayLanguage": "Languages of displays, as in Accept-Language.",
    "excludeNested": "A flat list.",
    "filter": "Words that begin words of the display or of a designation.",
    "force-system-version": "Takes this version of a code system whatever the value set says.",
    "includeDefinition": "Sends the definition along.",
    "includeDesignations": "Sends other names along.",
    "designation": "Which other names.",
    "offset": "Where a page begins.",
    "property": "Properties of concepts to send along.",
    "system-version": "The version of a code system where the value set names none.",
    "tx-resource": "A resource that the value set needs, sent along.",
    "useSupplement": "A supplement of a code system to take into account.",
}


async def statement(library: Library, base: str, date: str) -> bytes:
    """The TerminologyCapabilities of a server at this address."""
    systems = await library.systems()
    return json.dump(
        {
            "resourceType": "TerminologyCapabilities",
            "url": f"{base}/metadata?mode=terminology",
            "version": __version__,
            "name": "CareplaneTerminology",
            "title": "Careplane terminology service",
            "status": "active",
            "date": date,
            "kind": "instance",
            "software": {"name": "Careplane", "version": __version__},
            "implementation": {"description": "Careplane FHIR store", "url": base},
            "codeSystem": [
                _system(url, [version for _, version in found])
                for url, found in groupby(systems, key=lambda pair: pair[0])
            ],
            "expansion": {
                "hierarchical": True,
                "paging": True,
                "incomplete": False,
                "parameter": [
                    {"name": name, "documentation": said} for name, said in _PARAMETERS.items()
                ],
                "textFilter": "Words without regard to case and accents.",
            },
            "codeSearch": "all",
            "validateCode": {"translations": True},
            "translation": {"needsMap": False},
            "closure": {"translation": False},
        }
    )


def _system(url: str, versions: list[str]) -> Tree:
    named = [{"code": version} for version in versions if version]
    return {"uri": url, "version": named} if named else {"uri": url}
