"""A Questionnaire read once: its items with what their extensions say, in a reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from careplane.care.forms import names
from careplane.care.forms.depending import Dependencies, Links
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import extension, numbers, objects
from careplane.kernel.errors import Invalid, Issue

MOST_ITEMS: Final = 5000
MOST_DEEP: Final = 20
_SHOWN_AS: Final = frozenset(
    {"radio-button", "drop-down", "check-box", "autocomplete", "slider", "spinner", "text-area"}
)
_ASIDES: Final = frozenset({"help", "prompt", "unit", "lower", "upper", "header", "footer"})


@dataclass(frozen=True)
class Item:
    """One item. `number` is its place among its siblings, `items` are those below."""

    tree: Tree
    number: int
    items: tuple[Item, ...]

    @cached_property
    def link(self) -> str:
        return str(self.tree.get("linkId"))

    @cached_property
    def kind(self) -> str:
        """Its type, such as `group` or `choice`."""
        return str(self.tree.get("type"))

    @property
    def is_group(self) -> bool:
        return self.kind == "group"

    @property
    def is_question(self) -> bool:
        return self.kind not in ("group", "display")

    @cached_property
    def repeats(self) -> bool:
        return self.tree.get("repeats") is True

    @cached_property
    def required(self) -> bool:
        return self.tree.get("required") is True

    @cached_property
    def is_hidden(self) -> bool:
        """Never shown: for what is filled in or calculated alone."""
        return extension(self.tree, names.HIDDEN) == [True]

    @cached_property
    def is_calculated(self) -> bool:
        return bool(extension(self.tree, names.CALCULATED))

    @cached_property
    def is_conditional(self) -> bool:
        return bool(self.tree.get("enableWhen") or extension(self.tree, names.ENABLE))

    @cached_property
    def has_expressions(self) -> bool:
        """Whether any expression on it is worked out while it is filled."""
        used = (names.VARIABLE, names.CALCULATED, names.ENABLE, names.ANSWER)
        return bool(extension(self.tree, *used))

    @cached_property
    def is_fixed(self) -> bool:
        """Shown and not to be changed by who fills the form."""
        return self.tree.get("readOnly") is True

    @cached_property
    def controls(self) -> frozenset[str]:
        """Codes of how it shall be shown (questionnaire-item-control)."""
        concepts = (one for one in extension(self.tree, names.CONTROL) if isinstance(one, dict))
        codings = (coding for one in concepts for coding in objects(one.get("coding")))
        return frozenset(str(coding.get("code")) for coding in codings)

    @property
    def control(self) -> str:
        """The one that a question is shown as; empty where it is left to the page."""
        return next(iter(sorted(self.controls & _SHOWN_AS)), "")

    @cached_property
    def is_aside(self) -> bool:
        """Whether it belongs to the question that it stands below, such as a help text."""
        return self.kind == "display" and bool(self.controls & _ASIDES)

    @cached_property
    def asides(self) -> tuple[Item, ...]:
        """Texts that go with this item."""
        return tuple(item for item in self.items if item.is_aside)

    @cached_property
    def fewest(self) -> int:
        return int(next(iter(numbers(self.tree, names.MIN_OCCURS)), 1 if self.required else 0))

    @cached_property
    def most(self) -> int | None:
        """How many answers or repetitions there may be; None where there is no limit."""
        if not self.repeats:
            return 1
        found = next(iter(numbers(self.tree, names.MAX_OCCURS)), None)
        return None if found is None else int(found)

    @cached_property
    def links(self) -> frozenset[str]:
        """The link ids of the item and of all below it."""
        return frozenset({self.link}.union(*(item.links for item in self.items)))

    @cached_property
    def is_idle(self) -> bool:
        """Whether nothing in it is asked by a condition or calculated."""
        own = self.is_conditional or self.is_calculated
        return not own and all(item.is_idle for item in self.items)

    def one(self, *urls: str) -> Any:
        """The first value of these extensions; None where there is none."""
        return next(iter(extension(self.tree, *urls)), None)

    def text(self, language: str) -> str:
        return worded(self.tree, "text", language)

    def prefix(self, language: str) -> str:
        return worded(self.tree, "prefix", language)


@dataclass(frozen=True)
class Form:
    """A Questionnaire. `items` are those at its top."""

    tree: Tree
    items: tuple[Item, ...]

    @cached_property
    def every(self) -> tuple[Item, ...]:
        """All items, in their order."""
        return tuple(_every(self.items))

    @cached_property
    def needs(self) -> Mapping[str, Links]:
        """By link id the questions that an item hangs on, apart from those that it stands in."""
        told = Dependencies(self.tree, [item.tree for item in self.every])
        work = [item for item in self.every if item.is_conditional or item.is_calculated]
        return {item.link: told.of(item.tree) for item in work}

    @property
    def canonical(self) -> str:
        """With its version, where it has one: a later version is another form."""
        url, version = self.tree.get("url"), self.tree.get("version")
        named = str(url) if url else f"Questionnaire/{self.tree.get('id')}"
        return f"{named}|{version}" if version and url else named

    def title(self, language: str) -> str:
        return worded(self.tree, "title", language) or str(self.tree.get("name") or "")

    def description(self, language: str) -> str:
        return worded(self.tree, "description", language)

    @cached_property
    def rounds(self) -> int:
        """After so many rounds everything is settled that ever will be: each settles one more item
        of those that depend on others."""
        return 2 + sum(item.is_conditional + item.is_calculated for item in self.every)


def form(questionnaire: Tree) -> Form:
    """Raises Invalid where it is larger or deeper than can be filled."""
    left = [MOST_ITEMS]
    return Form(questionnaire, _items(questionnaire, left, 0))


def _items(owner: Tree, left: list[int], depth: int) -> tuple[Item, ...]:
    trees = objects(owner.get("item"))
    left[0] -= len(trees)
    if left[0] < 0 or depth > MOST_DEEP:
        text = f"A form has at most {MOST_ITEMS} items, {MOST_DEEP} deep; split it."
        raise Invalid(text, issues=(Issue("error", "too-costly", text, "Questionnaire.item"),))
    return tuple(Item(tree, n, _items(tree, left, depth + 1)) for n, tree in enumerate(trees))


def _every(items: tuple[Item, ...]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _every(item.items)


def worded(owner: Tree, element: str, language: str) -> str:
    """A text of a questionnaire in a language, where it has a translation; else as it stands."""
    beside = owner.get(f"_{element}")
    for one in objects(beside.get("extension")) if isinstance(beside, dict) else ():
        if one.get("url") != names.TRANSLATION:
            continue
        parts = {str(p.get("url")): p for p in objects(one.get("extension"))}
        said = str(parts.get("lang", {}).get("valueCode", ""))
        content = parts.get("content", {})
        if said.partition("-")[0] == language.partition("-")[0]:
            text = content.get("valueString") or content.get("valueMarkdown")
            if isinstance(text, str):
                return text
    value = owner.get(element)
    return value if isinstance(value, str) else ""
