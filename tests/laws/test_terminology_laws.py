"""Laws of value sets, whatever they are composed of: what expanding one says, asking about one code
says too; pages make up the whole; and `$related` compares what was expanded."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from careplane.fhir.tree import Tree
from careplane.terminology import calls
from careplane.terminology.calls import Call
from careplane.terminology.expand import Stamp
from careplane.terminology.resources import Resources

STAMP = Stamp("urn:uuid:0", "2020-01-01T00:00:00Z")
SYSTEMS = ("http://a", "http://b")
CODES = [f"c{n}" for n in range(7)]


def _system(url: str, edges: list[tuple[int, int]], retired: frozenset[int]) -> Tree:
    """A code system in which each edge makes the one the parent of the other; circles happen."""
    concepts = []
    for n, code in enumerate(CODES):
        properties: list[Tree] = [
            {"code": "parent", "valueCode": CODES[up]} for up, down in edges if down == n
        ]
        properties.append({"code": "parity", "valueCode": "odd" if n % 2 else "even"})
        if n in retired:
            properties.append({"code": "inactive", "valueBoolean": True})
        concepts.append({"code": code, "display": f"Word {n}", "property": properties})
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "version": "1",
        "status": "active",
        "content": "complete",
        "property": [{"code": "parity", "type": "code"}],
        "concept": concepts,
    }


numbers = st.integers(0, len(CODES) - 1)
codes = st.sampled_from([*CODES, "nowhere"])
filters = st.one_of(
    st.builds(
        lambda op, code: {"property": "concept", "op": op, "value": code},
        st.sampled_from(["is-a", "descendent-of", "is-not-a", "generalizes"]),
        st.sampled_from(CODES),
    ),
    st.just({"property": "parity", "op": "=", "value": "odd"}),
    st.just({"property": "code", "op": "regex", "value": "c[0-3]"}),
)
systems = st.lists(st.tuples(numbers, numbers), max_size=8).flatmap(
    lambda edges: st.frozensets(numbers, max_size=2).map(lambda retired: (edges, retired))
)


@st.composite
def parts(draw: st.DrawFn, level: int) -> Tree:
    """An include or exclude of the value set of a level, which may import those below it."""
    part: Tree = {}
    imported = draw(st.lists(st.integers(0, level - 1), max_size=2)) if level else []
    if imported:
        part["valueSet"] = [f"http://vs/{n}" for n in imported]
    if not imported or draw(st.booleans()):
        part["system"] = draw(st.sampled_from(SYSTEMS))
        match draw(st.sampled_from(["all", "list", "filter"])):
            case "list":
                listed = draw(st.lists(codes, min_size=1, max_size=4, unique=True))
                part["concept"] = [{"code": code} for code in listed]
            case "filter":
                part["filter"] = draw(st.lists(filters, min_size=1, max_size=2))
    return part


@st.composite
def libraries(draw: st.DrawFn) -> list[Tree]:
    """Two code systems, and value sets that import each other downward."""
    trees = [_system(url, *draw(systems)) for url in SYSTEMS]
    for level in range(4):
        compose: Tree = {"include": draw(st.lists(parts(level), min_size=1, max_size=3))}
        if exclude := draw(st.lists(parts(level), max_size=2)):
            compose["exclude"] = exclude
        if draw(st.booleans()):
            compose["inactive"] = False
        trees.append(
            {
                "resourceType": "ValueSet",
                "url": f"http://vs/{level}",
                "status": "active",
                "compose": compose,
            }
        )
    return trees


def _codes(expanded: Tree) -> set[tuple[str, str]]:
    found = set()
    waiting = list(expanded["expansion"].get("contains", ()))
    while waiting:
        one = waiting.pop()
        key = (one["system"], one["code"])
        assert key not in found, "a code stands there twice"
        found.add(key)
        waiting.extend(one.get("contains", ()))
    return found


def _said(answer: Tree, name: str) -> Any:
    found = [p for p in answer["parameter"] if p["name"] == name]
    return next(v for k, v in found[0].items() if k != "name")


@settings(max_examples=150, deadline=None)
@given(libraries(), st.integers(0, 3), st.integers(1, 5), st.booleans())
def test_expanding_and_asking_say_the_same(
    trees: list[Tree], level: int, page: int, active: bool
) -> None:
    library = Resources(trees)
    named = (("url", f"http://vs/{level}"), ("activeOnly", active))

    async def judge() -> None:
        expanded = await calls.expand_value_set(Call(library, named), STAMP)
        found = _codes(expanded)
        assert expanded["expansion"]["total"] == len(found)
        for system in SYSTEMS:
            for code in (*CODES, "nowhere"):
                asked = (*named, ("system", system), ("code", code))
                answer = await calls.validate_in_value_set(Call(library, asked))
                assert _said(answer, "result") is ((system, code) in found), (system, code)
        paged: list[tuple[str, str]] = []
        while True:
            more = (*named, ("count", page), ("offset", len(paged)))
            part = await calls.expand_value_set(Call(library, more), STAMP)
            contains = part["expansion"].get("contains", ())
            paged += [(one["system"], one["code"]) for one in contains]
            if len(contains) < page:
                break
        assert len(paged) == len(set(paged))
        assert set(paged) == found

    asyncio.run(judge())


def _lists(*lists: str) -> list[Tree]:
    """Value sets that list codes."""
    return [
        _system(SYSTEMS[0], [], frozenset()),
        *(
            {
                "resourceType": "ValueSet",
                "url": f"http://vs/{n}",
                "status": "active",
                "compose": {"include": [{"system": SYSTEMS[0], "concept": [{"code": code}]}]},
            }
            for n, code in enumerate(lists)
        ),
    ]


@settings(max_examples=80, deadline=None)
@given(libraries(), st.integers(0, 3), st.integers(0, 3))
@example(_lists("nowhere", "c1"), 0, 1)
@example(_lists("nowhere", "elsewhere"), 0, 1)
def test_related_compares_what_expanding_finds(trees: list[Tree], a: int, b: int) -> None:
    library = Resources(trees)

    async def judge() -> None:
        this, other = [
            _codes(await calls.expand_value_set(Call(library, (("url", f"http://vs/{n}"),)), STAMP))
            for n in (a, b)
        ]
        named = (("thisUrl", f"http://vs/{a}"), ("otherUrl", f"http://vs/{b}"))
        result = _said(await calls.related_value_sets(Call(library, named)), "result")
        if this == other:
            assert result in ("same", "empty")
        elif this > other:
            assert result == "superset"
        elif this < other:
            assert result == "subset"
        else:
            assert result == ("overlapping" if this & other else "disjoint")

    asyncio.run(judge())
