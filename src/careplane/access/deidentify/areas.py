"""Where somebody lives, as coarse as Safe Harbor has it: the state, and three digits of the ZIP
code where more than 20,000 people share them (45 CFR 164.514(b)(2)(i)(B))."""

from __future__ import annotations

import re

from careplane.fhir.tree import Tree

SMALL = frozenset(
    (
        "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878",
        "879", "884", "890", "893",
        "205", "369", "753", "772",
    )
)  # fmt: skip
"""First digits that 20,000 people or fewer share: the 17 that the guidance of HHS lists by the
census of 2000, and four more by that of 2010. What was small in either stays closed."""
_ZIP = re.compile(r"([0-9]{3})[0-9]{2}(?:-?[0-9]{4})?")
_UNITED_STATES = frozenset({"US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA"})


def area(address: Tree) -> Tree:
    """The Address with its country and, in the United States, its state and `000` or three digits
    of its ZIP code. Elsewhere states may be no larger than what must go: the country is all."""
    country = address.get("country")
    kept: Tree = {"country": country} if isinstance(country, str) and _is_country(country) else {}
    if country is not None and str(country).strip().upper() not in _UNITED_STATES:
        return kept
    state, code = address.get("state"), address.get("postalCode")
    if isinstance(state, str) and state.strip().upper() in _STATES:
        kept["state"] = state.strip()
    found = _ZIP.fullmatch(code.strip()) if isinstance(code, str) else None
    if found:
        kept["postalCode"] = "000" if found[1] in SMALL else found[1]
    return kept


def _is_country(text: str) -> bool:
    """A code or one of the names above: a text may say anything."""
    return text.strip().upper() in _UNITED_STATES or bool(re.fullmatch(r"[A-Z]{2,3}", text))


_STATES = frozenset(
    (  # noqa: SIM905  (a list of them would be a page)
        "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH "
        "NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR GU VI AS MP"
    ).split()
) | frozenset(
    (
        "ALABAMA", "ALASKA", "ARIZONA", "ARKANSAS", "CALIFORNIA", "COLORADO", "CONNECTICUT",
        "DELAWARE", "DISTRICT OF COLUMBIA", "FLORIDA", "GEORGIA", "HAWAII", "IDAHO", "ILLINOIS",
        "INDIANA", "IOWA", "KANSAS", "KENTUCKY", "LOUISIANA", "MAINE", "MARYLAND", "MASSACHUSETTS",
        "MICHIGAN", "MINNESOTA", "MISSISSIPPI", "MISSOURI", "MONTANA", "NEBRASKA", "NEVADA",
        "NEW HAMPSHIRE", "NEW JERSEY", "NEW MEXICO", "NEW YORK", "NORTH CAROLINA", "NORTH DAKOTA",
        "OHIO", "OKLAHOMA", "OREGON", "PENNSYLVANIA", "RHODE ISLAND", "SOUTH CAROLINA",
        "SOUTH DAKOTA", "TENNESSEE", "TEXAS", "UTAH", "VERMONT", "VIRGINIA", "WASHINGTON",
        "WEST VIRGINIA", "WISCONSIN", "WYOMING", "PUERTO RICO",
    )
)  # fmt: skip
