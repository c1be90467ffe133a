"""Language tags (BCP 47, RFC 5646): well-formed ones, in the case that the standard recommends.

Names are those that R4 gives the commonest.
"""

from __future__ import annotations

import re

from careplane.fhir.tree import Tree
from careplane.terminology.concepts import About, Concept
from careplane.terminology.grammars.grammar import Grammar
from careplane.terminology.resource import designation

# language, extended language, script, region, variants, extensions, private use; or private use
_TAG = re.compile(
    r"[a-z]{2,3}(-[a-z]{3}){0,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?"
    r"(-([0-9a-z]{5,8}|[0-9][0-9a-z]{3}))*(-[0-9a-wy-z](-[0-9a-z]{2,8})+)*(-x(-[0-9a-z]{1,8})+)?"
    r"|x(-[0-9a-z]{1,8})+|i-[a-z]+"
)


def language_tags() -> Grammar:
    """The code system."""
    about = About(
        url="urn:ietf:bcp:47",
        name="LanguageTags",
        title="Tags for the Identification of Languages (BCP 47)",
        language="en",
        status="active",
        header={"resourceType": "CodeSystem", "status": "active"},
        listed_by="http://hl7.org/fhir/ValueSet/languages",
    )
    return Grammar(about, _read)


def _read(code: str, listed: Tree) -> Concept | None:
    if _TAG.fullmatch(code) is None:
        return None
    named = tuple(map(designation, listed.get("designation", ())))
    return Concept(code, listed.get("display", code), designations=named)
