"""Expression constraints over a small edition: what they find, and what is said of others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from careplane.kernel.errors import Invalid, Unsupported
from careplane.storage.engines.memory import MemoryTerminology
from careplane.terminology.codes import all_codes, codes_along
from careplane.terminology.concepts import Filter, Selection
from careplane.terminology.ecl.parse import parse
from careplane.terminology.importers import opened
from careplane.terminology.loading.loader import load
from careplane.terminology.options import Options
from careplane.terminology.releases import Releases
from careplane.terminology.scope import Scope
from tests import release_files as made
from tests.release_files import (
    BODY,
    BOTH,
    CARDIAC,
    COUNT,
    DISEASE,
    FINDING,
    HEART,
    MORPHOLOGY,
    NARROW,
    OLD,
    ROOT,
    SCT,
    SET,
    SITE,
    STENOSIS,
    VALVE,
    WIDE,
)  # fmt: skip

EVERY = set(made.NAMES) - {OLD}

FINDS = {
    HEART: {HEART},
    f"{HEART} |Heart structure|": {HEART},
    "*": EVERY,
    f"< {CARDIAC}": {STENOSIS, BOTH},
    f"<< {CARDIAC}": {CARDIAC, STENOSIS, BOTH},
    f"<! {CARDIAC}": {STENOSIS, BOTH},
    f"<<! {DISEASE}": {DISEASE, CARDIAC},
    f"> {BOTH}": {STENOSIS, CARDIAC, DISEASE, FINDING, ROOT},
    f">> {CARDIAC}": {CARDIAC, DISEASE, FINDING, ROOT},
    f">! {BOTH}": {STENOSIS, CARDIAC},
    f"< ({CARDIAC} OR {BODY})": {STENOSIS, BOTH, HEART, VALVE, NARROW, WIDE},
    "< *": EVERY - {ROOT},
    f"<< {CARDIAC} AND < {DISEASE}": {CARDIAC, STENOSIS, BOTH},
    f"<< {CARDIAC} , << {STENOSIS}": {STENOSIS, BOTH},
    f"{HEART} OR {VALVE} OR 99999999": {HEART, VALVE},
    f"<< {BODY} MINUS (<< {HEART})": {BODY, NARROW, WIDE},
    f"^ {SET}": {HEART, VALVE},
    "^ *": {HEART, VALVE},
    f"^ (<< {ROOT})": {HEART, VALVE},
    f"< {FINDING} : {SITE} = {VALVE}": {STENOSIS, BOTH},
    f"< {FINDING} : {SITE} = << {HEART}": {CARDIAC, STENOSIS, BOTH},
    f"< {FINDING} : {SITE} != {VALVE}": {CARDIAC, BOTH},
    f"< {FINDING} : {MORPHOLOGY} = *": {STENOSIS, BOTH},
    f"< {FINDING} : * = {HEART}": {CARDIAC, BOTH},
    f"< {FINDING} : (<< {ROOT}) = {WIDE}": {BOTH},
    f"< {FINDING} : {SITE} = {VALVE}, {MORPHOLOGY} = {WIDE}": {BOTH},
    f"< {FINDING} : {SITE} = {HEART} OR {MORPHOLOGY} = {NARROW}": {CARDIAC, STENOSIS, BOTH},
    f"* : {{ {SITE} = {VALVE}, {MORPHOLOGY} = {WIDE} }}": set(),
    f"* : {{ {SITE} = {HEART}, {MORPHOLOGY} = {WIDE} }}": {BOTH},
    f"* : [2..*] {{ {SITE} = * }}": {BOTH},
    f"* : {{ {SITE} = {HEART}, [0..0] {MORPHOLOGY} = {NARROW} }}": {CARDIAC, BOTH},
    f"* : [0..0] {{ {SITE} = * }}": EVERY - {CARDIAC, STENOSIS, BOTH},
    f"* : [1..1] {SITE} = *": {CARDIAC, STENOSIS},
    f"<< {DISEASE} : [0..0] {MORPHOLOGY} = *": {DISEASE, CARDIAC},
    f"<< {DISEASE} : [0..*] {MORPHOLOGY} = *": {DISEASE, CARDIAC, STENOSIS, BOTH},
    f"<< {BODY} : R {SITE} = {CARDIAC}": {HEART},
    f"* : R {MORPHOLOGY} = << {STENOSIS}": {NARROW, WIDE},
    f"{BOTH} . {MORPHOLOGY}": {NARROW, WIDE},
    f"(< {CARDIAC}) . {SITE}": {HEART, VALVE},
    f"* : {COUNT} = #2": {BOTH},
    f"* : {COUNT} >= #1.5": {BOTH, STENOSIS},
    f"* : {COUNT} < #2": {STENOSIS},
    f'<< {DISEASE} {{{{ term = "steno" }}}}': {STENOSIS, BOTH},
    f'<< {DISEASE} {{{{ D term = ("dilat valve" match:"as") }}}}': {BOTH, STENOSIS},
    "* {{ C active = false }}": {OLD},
    "* {{ active = 1, term = \"aortic\" }}".replace("1", "true"): {STENOSIS},
    f"/* a note */ << {STENOSIS} /* another */": {STENOSIS, BOTH},
    "< 99999999": set(),
}  # fmt: skip

WRONG = [
    "", "<", "heart", f"{HEART} {VALVE}", f"< ({HEART}", f"{HEART} AND {VALVE} OR {BODY}",
    f"* : {SITE}", f"* : {SITE} = ", f"* : {{ {SITE} = *", f"* : {COUNT} < *", "*" * 10_000,
    "(" * 60 + "*" + ")" * 60, "x" * 30_000, f"{HEART} |unended", "12", f"^ {SET} 5",
]  # fmt: skip
NOT_OFFERED = [
    f"<< {HEART} {{{{ + HISTORY }}}}", f"<< {HEART} {{{{ language = en }}}}",
    f'<< {HEART} {{{{ term = wild:"*" }}}}', f'* : R {SITE} = "x"',
    f"* : {{ {{ {SITE} = * }} }}",
]  # fmt: skip


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    folder: Path = tmp_path_factory.mktemp("snomed")
    store = MemoryTerminology()
    release = opened("snomed", made.snomed(folder / "r"), {})
    asyncio.run(load(store, release, folder, lambda *_: None))
    return Releases(lambda: store, lambda: 0.0)


def finds(edition: Releases, *filters: Filter) -> set[str]:
    async def work() -> set[str]:
        (version,) = await edition.versions("CodeSystem", SCT)
        concepts = await edition.concepts(SCT, version)
        assert concepts is not None
        found = await concepts.select(Selection(filters))
        assert await concepts.count(Selection(filters)) == len(found)
        return {concept.code for concept in found}

    return asyncio.run(work())


@pytest.mark.parametrize("text", FINDS)
def test_a_constraint_finds(edition: Releases, text: str) -> None:
    assert finds(edition, Filter("constraint", "=", text)) == FINDS[text]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        parse(text)


@pytest.mark.parametrize("text", NOT_OFFERED)
def test_what_is_not_offered_is_said(edition: Releases, text: str) -> None:
    with pytest.raises(Unsupported, match="not offered"):
        finds(edition, Filter("constraint", "=", text))


def test_a_reference_set_is_a_filter_too(edition: Releases) -> None:
    assert finds(edition, Filter("concept", "in", SET)) == {HEART, VALVE}
    assert finds(edition, Filter("concept", "in", f"{SET},{HEART}")) == {SET, HEART}
    assert finds(edition, Filter(SITE, "=", VALVE), Filter("inactive", "=", "false")) == {
        STENOSIS,
        BOTH,
    }


IMPLICIT = {
    f"{SCT}?fhir_vs": {*EVERY, OLD},
    f"{SCT}?fhir_vs=isa/{CARDIAC}": {CARDIAC, STENOSIS, BOTH},
    f"{SCT}?fhir_vs=refset/{SET}": {HEART, VALVE},
    f"{SCT}?fhir_vs=ecl/%3C%20{CARDIAC}": {STENOSIS, BOTH},
    f"{SCT}/900000000000207008?fhir_vs=isa/{VALVE}": {VALVE},
    f"{SCT}/900000000000207008/version/20260301?fhir_vs=isa/{VALVE}": {VALVE},
}
NONE = [
    f"{SCT}/900000000000207008/version/20250301?fhir_vs", f"{SCT}?fhir_vs=what/1",
    f"{SCT}?fhir_vs=refset/x", f"{SCT}", "http://loinc.org/vs",
]  # fmt: skip


@pytest.mark.parametrize("url", IMPLICIT)
def test_an_implicit_value_set(edition: Releases, url: str) -> None:
    async def work() -> set[str]:
        scope = Scope(edition, Options())
        tree = await scope.value_set(url)
        assert tree is not None
        return {code for _, code in await all_codes(scope, tree) or ()}

    assert asyncio.run(work()) == IMPLICIT[url]


@pytest.mark.parametrize("url", NONE)
def test_no_implicit_value_set(edition: Releases, url: str) -> None:
    assert asyncio.run(Scope(edition, Options()).value_set(url)) is None


def test_codes_along_the_hierarchy(edition: Releases) -> None:
    async def along(code: str, *, below: bool) -> set[str]:
        found = await codes_along(Scope(edition, Options()), SCT, code, below=below)
        return {code for _, code in found or ()}

    assert asyncio.run(along(CARDIAC, below=True)) == {CARDIAC, STENOSIS, BOTH}
    assert asyncio.run(along(CARDIAC, below=False)) == {CARDIAC, DISEASE, FINDING, ROOT}
    assert asyncio.run(along("99999999", below=True)) == {"99999999"}
