"""Who asks what, under which policies and Consents: drawn by Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle

from hypothesis import strategies as st

from tests.consent_house import Draft, drafts, drawn_consent
from tests.oracle.catalogue import WAYS
from tests.oracle.hiding import Masked, masked
from tests.oracle.population import PATIENTS
from tests.policy_house import Case, Record, usable

CALLERS, REQUESTS = 5, 20
_ASKERS = (
    ("Practitioner/n", None), ("Practitioner/n", None), ("Practitioner/m", None),
    ("client/x", None), ("client/x", "p1"), ("Patient/p0", "p0"), ("Patient/p30", "p30"),
    ("RelatedPerson/r", "p2"), ("RelatedPerson/r40", "p40"), ("Patient/p0", "p0"),
    ("RelatedPerson/r20", "p20"),
)  # fmt: skip
_ROLES = (
    frozenset[str](), frozenset[str](), frozenset({"physician"}), frozenset({"treating-physician"}),
    frozenset({"ward-nurse"}), frozenset({"nurse"}), frozenset({"front-desk"}), frozenset({"a"}),
    frozenset({"patient"}), frozenset({"proxy"}), frozenset({"proxy", "acting-proxy"}),
    frozenset({"narrow-proxy"}), frozenset({"pharmacist"}), frozenset({"privacy-officer"}),
    frozenset({"auditor"}), frozenset({"a", "b"}), frozenset({"m"}), frozenset({"m", "a"}),
    frozenset({"m", "treating-physician"}), frozenset({"m", "ward-nurse"}),
)  # fmt: skip
_SCOPES = (
    "system/*.cruds", "system/*.cruds system/Patient.purge", "user/*.cruds", "user/*.cruds",
    "user/Observation.rs user/Patient.rs user/Condition.r", "patient/*.rs patient/Observation.cud",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A way, and two numbers from which it makes its parameters."""

    way: str
    n: int
    m: int


@dataclass(frozen=True)
class Round:
    """One house: its policies and Consents, and who asks it what."""

    policies: list[str]
    masks: list[Masked]
    consents: list[Record]
    callers: list[tuple[Case, list[Request]]]


_NAMES = tuple(WAYS)
_Asked = tuple[tuple[str, str | None], frozenset[str], str, str, int, list[tuple[int, int]]]
_callers: st.SearchStrategy[_Asked] = st.tuples(
    st.sampled_from(_ASKERS), st.sampled_from(_ROLES),
    st.sampled_from(("TREAT", "TREAT", "TREAT", "HRESCH")), st.sampled_from(_SCOPES),
    st.integers(-8, 3),
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 3)),
             min_size=REQUESTS, max_size=REQUESTS),
)  # fmt: skip


def _round(
    policies: list[str], masks: list[Masked], drawn: list[Draft], callers: list[_Asked], way: int
) -> Round:
    """All ways take turns, beginning with this one."""
    text = "\n".join((*policies, *(one.policy for one in masks)))
    turns = cycle((*_NAMES[way:], *_NAMES[:way]))
    consents = [drawn_consent(f"k{n}", one) for n, one in enumerate(drawn)]
    cases = [
        (
            _emergency(Case(text, who, patient, roles, purpose, scopes), consents, which),
            [Request(next(turns), n, m) for n, m in numbers],
        )
        for (who, patient), roles, purpose, scopes, which, numbers in callers
    ]
    return Round(policies, masks, consents, cases)


def _emergency(case: Case, consents: list[Record], which: int) -> Case:
    """Now and then one in which somebody of the staff has broken the glass, mostly for a patient
    who has a Consent."""
    if which < 0 or not case.roles or case.who.startswith(("Patient/", "RelatedPerson/")):
        return case
    some = [one["patient"]["reference"][8:] for one in consents] or ["p0"]
    return replace(case, emergency=some[which % len(some)], purpose="BTG")


rounds = st.builds(
    _round,
    st.lists(usable, max_size=3),
    st.lists(masked, max_size=3),
    st.lists(drafts(("p0", "p1", "p2", *PATIENTS)), max_size=12),
    st.lists(_callers, min_size=CALLERS, max_size=CALLERS),
    st.integers(0, len(WAYS) - 1),
)
