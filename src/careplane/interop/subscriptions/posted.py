"""A SubscriptionTopic that a client posts, kept as a Basic (backport 1.1, Subscription Topics).

R4 has no such resource: the cross-version extensions carry its elements, those of R5 (`5.0`) or
R4B (`4.3`), and `Basic.code` says what it is.
"""

from __future__ import annotations

from typing import cast

from careplane.fhir import fhirpath
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions.elements import extensions, single, value, wrong
from careplane.interop.subscriptions.names import FHIR_TYPES, TOPIC_ELEMENTS
from careplane.interop.subscriptions.topic import INTERACTIONS, Allowed, Interaction, Topic, Trigger

MOST_TRIGGERS = 50
_BEHAVIOUR = {"test-passes": True, "test-fails": False}
_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"


def is_topic(tree: Tree) -> bool:
    """Whether a Basic is a SubscriptionTopic."""
    code = tree.get("code")
    codings = code.get("coding", []) if isinstance(code, dict) else []
    return any(
        isinstance(c, dict)
        and (c.get("system"), c.get("code")) == (FHIR_TYPES, "SubscriptionTopic")
        for c in codings
    )


def topic_of(tree: Tree) -> Topic | None:
    """The topic that a Basic holds, None where it is retired. Raises Invalid where it is none."""
    if _element(tree, "status", modifier=True) == "retired":
        return None
    url = _element(tree, "url")
    if not isinstance(url, str) or ":" not in url or len(url) > 1000:
        raise wrong("A topic needs the extension SubscriptionTopic.url, a URI.", "Basic.extension")
    triggers = tuple(_trigger(one) for one in extensions(tree, *_named("resourceTrigger")))
    if not triggers or len(triggers) > MOST_TRIGGERS:
        text = f"A topic has 1 to {MOST_TRIGGERS} extensions SubscriptionTopic.resourceTrigger."
        raise wrong(text, "Basic.extension")
    title = _element(tree, "title")
    return Topic(url, title if isinstance(title, str) else url, triggers, _filters(tree))


def _named(name: str) -> tuple[str, ...]:
    return tuple(prefix + name for prefix in TOPIC_ELEMENTS)


def _element(tree: Tree, name: str, *, modifier: bool = False) -> object:
    found: object = single(tree, *_named(name))
    if found is None and modifier:
        found = single({"extension": tree.get("modifierExtension")}, *_named(name))
    return found


def _trigger(extension: Tree) -> Trigger:
    if extensions(extension, "eventCriteria"):
        raise wrong("Triggers by event are not offered.", "Basic.extension")
    query = next(iter(extensions(extension, "queryCriteria")), {})
    expression = _text(extension, "fhirPathCriteria")
    if expression:
        fhirpath.parse(expression)
    return Trigger(
        _type(single(extension, "resource")),
        _interactions(extension),
        previous=_text(query, "previous"),
        current=_text(query, "current"),
        on_create=_behaviour(query, "resultForCreate"),
        on_delete=_behaviour(query, "resultForDelete"),
        both=single(query, "requireBoth") is True,
        fhirpath=expression,
    )


def _type(found: object) -> str:
    name = found.removeprefix(_DEFINITION) if isinstance(found, str) else ""
    if not is_resource(name):
        raise wrong("'resource' must name a resource type of FHIR R4.", "Basic.extension")
    return name


def _interactions(extension: Tree) -> frozenset[Interaction]:
    names = {"supportedInteraction", "methodCriteria"}
    found = {value(one) for one in extensions(extension, *names)}
    if not found <= set(INTERACTIONS):
        raise wrong(f"An interaction is one of {', '.join(INTERACTIONS)}.", "Basic.extension")
    return frozenset(cast(set[Interaction], found)) or frozenset(INTERACTIONS)


def _text(holder: Tree, name: str) -> str:
    found = single(holder, name)
    return found if isinstance(found, str) else ""


def _behaviour(holder: Tree, name: str) -> bool:
    found = single(holder, name)
    if found is not None and found not in _BEHAVIOUR:
        raise wrong(f"{name} is test-passes or test-fails.", "Basic.extension")
    return _BEHAVIOUR.get(str(found), False)


def _filters(tree: Tree) -> dict[str, dict[str, Allowed]]:
    found: dict[str, dict[str, Allowed]] = {}
    for one in extensions(tree, *_named("canFilterBy")):
        given = single(one, "resource")
        type = _type(given) if given is not None else ""
        name = _text(one, "filterParameter")
        more = {str(value(m)) for m in extensions(one, "modifier", "comparator")}
        if not name:
            raise wrong("canFilterBy needs a filterParameter.", "Basic.extension")
        found.setdefault(type, {})[name] = Allowed(frozenset(more))
    return found
