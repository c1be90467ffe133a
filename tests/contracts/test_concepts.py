"""What `Concepts` promise, over each kind that is made without a store; those over a store are held
against those of a resource."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from careplane.fhir.tree import Tree
from careplane.kernel.errors import CareplaneError
from careplane.terminology.concepts import Concepts, Filter, Operator, Selection
from careplane.terminology.grammars.units import units
from careplane.terminology.resource import ResourceConcepts
from careplane.terminology.supplemented import Supplemented

pytestmark = pytest.mark.anyio
SYSTEM: Tree = {
    "resourceType": "CodeSystem",
    "url": "http://a",
    "version": "1",
    "status": "active",
    "content": "complete",
    "property": [
        {"code": "kind", "type": "code"},
        {"code": "state", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#status"},
        {"code": "up", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#parent"},
    ],
    "concept": [
        {
            "code": "animal",
            "display": "Animal",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [
                {
                    "code": "dog",
                    "display": "Dog",
                    "designation": [{"language": "de", "value": "Großer Hund"}],
                    "property": [{"code": "kind", "valueCode": "pet"}],
                },
                {
                    "code": "cat",
                    "display": "House cat",
                    "property": [
                        {"code": "kind", "valueCode": "pet"},
                        {"code": "kind", "valueCode": "hunter"},
                    ],
                },
                {
                    "code": "dodo",
                    "display": "Dodo",
                    "property": [{"code": "state", "valueCode": "retired"}],
                },
            ],
        },
        {"code": "hunter", "display": "Hunter"},
        {"code": "lion", "display": "Lion", "property": [
            {"code": "up", "valueCode": "cat"}, {"code": "up", "valueCode": "hunter"},
        ]},
    ],
}  # fmt: skip
CIRCLE: Tree = {
    **SYSTEM,
    "concept": [
        {"code": one, "property": [{"code": "up", "valueCode": other}]}
        for one, other in (("a", "b"), ("b", "c"), ("c", "a"))
    ],
}
KINDS: dict[str, Callable[[], Concepts]] = {
    "resource": lambda: ResourceConcepts(SYSTEM),
    "supplemented": lambda: Supplemented(
        ResourceConcepts(SYSTEM), [ResourceConcepts({**SYSTEM, "concept": [{"code": "dog"}]})]
    ),
}
ALL = {**KINDS, "grammar": units, "circle": lambda: ResourceConcepts(CIRCLE)}
HUGE = "x" * 1_000_000


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def concepts(request: pytest.FixtureRequest) -> Concepts:
    made: Concepts = request.param()
    return made


@pytest.mark.parametrize(
    ("property", "op", "value", "codes"),
    [
        ("concept", "is-a", "animal", "animal dog cat dodo lion"),
        ("concept", "is-a", "cat", "cat lion"),
        ("concept", "descendent-of", "animal", "dog cat dodo lion"),
        ("concept", "is-not-a", "animal", "hunter"),
        ("concept", "generalizes", "lion", "animal cat hunter lion"),
        ("concept", "child-of", "animal", "dog cat dodo"),
        ("concept", "descendent-leaf", "animal", "dog dodo lion"),
        ("concept", "in", "dog, lion", "dog lion"),
        ("concept", "not-in", "dog,lion", "animal cat dodo hunter"),
        ("code", "regex", "d.*", "dog dodo"),
        ("code", "regex", "o", ""),
        ("display", "=", "Dog", "dog"),
        ("display", "regex", ".*Hund", "dog"),
        ("parent", "=", "cat", "lion"),
        ("child", "=", "lion", "cat hunter"),
        ("parent", "exists", "false", "animal hunter"),
        ("kind", "=", "pet", "dog cat"),
        ("kind", "in", "hunter,fish", "cat"),
        ("kind", "not-in", "pet", "animal dodo hunter lion"),
        ("kind", "exists", "true", "dog cat"),
        ("inactive", "=", "true", "dodo"),
    ],
)
async def test_filters(
    concepts: Concepts, property: str, op: Operator, value: str, codes: str
) -> None:
    filters = (Filter(property, op, value),)
    found = await concepts.select(Selection(filters))
    assert [one.code for one in found] == codes.split()
    assert await concepts.count(Selection(filters)) == len(found)
    everything = await concepts.select(Selection())
    assert [c.code for c in everything if await concepts.meets(c.code, filters)] == codes.split()


@pytest.mark.parametrize(
    ("filter", "error"),
    [
        (Filter("colour", "=", "red"), "Unsupported"),
        (Filter("kind", "is-a", "pet"), "Unsupported"),
        (Filter("kind", "exists", "yes"), "Invalid"),
        (Filter("code", "regex", "("), "Invalid"),
        (Filter("code", "regex", r"(a)\1"), "Invalid"),
        (Filter("code", "regex", "a" * 3000), "Invalid"),
    ],
)
async def test_filters_that_cannot_be_used(concepts: Concepts, filter: Filter, error: str) -> None:
    for work in (
        concepts.select(Selection((filter,))),
        concepts.count(Selection((filter,))),
        concepts.meets("dog", (filter,)),
    ):
        with pytest.raises(CareplaneError) as raised:
            await work
        assert type(raised.value).__name__ == error


async def test_pages_and_texts(concepts: Concepts) -> None:
    whole = [c.code for c in await concepts.select(Selection())]
    assert whole == ["animal", "dog", "cat", "dodo", "hunter", "lion"]
    assert [c.code for c in await concepts.select(Selection(), skip=2, limit=2)] == whole[2:4]
    assert [c.code for c in await concepts.select(Selection(), after="cat")] == whole[3:]
    active = await concepts.select(Selection(active_only=True))
    assert [c.code for c in active] == [code for code in whole if code != "dodo"]
    for text, codes in (
        ("hun", "dog hunter"),
        ("hund GROSSER", "dog"),
        ("ouse", ""),
        ("c h", "cat"),
    ):
        found = await concepts.select(Selection(text=text))
        assert [c.code for c in found] == codes.split()


async def test_the_hierarchy(concepts: Concepts) -> None:
    assert list(await concepts.children("animal")) == ["dog", "cat", "dodo"]
    assert set(await concepts.ancestors("lion")) == {"cat", "hunter", "animal"}
    assert (await concepts.ancestors("lion"))[-1] == "animal"
    assert await concepts.is_a("lion", "animal")
    assert await concepts.is_a("lion", "lion")
    assert not await concepts.is_a("animal", "lion")
    assert not await concepts.is_a("lion", "nothing")


@pytest.mark.parametrize("made", ALL.values(), ids=ALL)
@pytest.mark.parametrize("code", ["", "nothing", "\x00", HUGE], ids=["empty", "no", "NUL", "1 MB"])
async def test_a_code_that_is_not_there(made: Callable[[], Concepts], code: str) -> None:
    concepts = made()
    assert await concepts.find(code) is None
    assert await concepts.many([code]) == {}
    assert list(await concepts.children(code)) == []
    assert list(await concepts.ancestors(code)) == []
    assert not await concepts.is_a(code, code)
    assert not await concepts.meets(code, ())
    assert not await concepts.meets(code, (Filter("code", "regex", ".*"),))


async def test_a_circle_ends() -> None:
    concepts = ResourceConcepts(CIRCLE)
    assert set(await concepts.ancestors("a")) == {"b", "c"}
    found = await concepts.select(Selection((Filter("concept", "is-a", "a"),)))
    assert [c.code for c in found] == ["a", "b", "c"]


async def test_codes_without_regard_to_case() -> None:
    concepts = ResourceConcepts({**SYSTEM, "caseSensitive": False})
    found = await concepts.find("DOG")
    assert found is not None
    assert found.code == "dog"
    assert await concepts.is_a("LION", "Animal")
    assert await concepts.meets("LION", (Filter("concept", "is-a", "ANIMAL"),))
    assert list(await concepts.children("CAT")) == ["lion"]


async def test_what_a_supplement_adds_stands_beside() -> None:
    added = {"code": "dog", "designation": [{"language": "fr", "value": "Chien"}],
             "property": [{"code": "legs", "valueInteger": 4}]}  # fmt: skip
    supplement = {**SYSTEM, "url": "http://s", "content": "supplement", "concept": [added]}
    concepts = Supplemented(ResourceConcepts(SYSTEM), [ResourceConcepts(supplement)])
    dog = await concepts.find("dog")
    assert dog is not None
    assert [(d.value, d.source) for d in dog.designations] == [
        ("Großer Hund", ""),
        ("Chien", "http://s|1"),
    ]
    assert ("legs", 4) in [(p.code, p.value) for p in dog.properties]
    assert [c.code for c in await concepts.select(Selection(text="chien"))] == ["dog"]
    assert await concepts.count(Selection(text="chien")) == 1
