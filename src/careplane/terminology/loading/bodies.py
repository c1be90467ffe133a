"""Facts of one concept put together, and what it can be chosen by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from careplane.fhir.tree import Tree
from careplane.kernel.errors import Invalid
from careplane.terminology.loading.postings import Postings
from careplane.terminology.loading.release import Fact
from careplane.terminology.stored import layout
from careplane.terminology.stored.layout import SEPARATOR, TYPES, Body, Head, Said
from careplane.terminology.words import words

_MOST_WORDS = 10_000
"""Words of one concept that it is found by."""

_DIGITS = 18


class Bodies:
    """All of one code system: uses and properties are numbered as they come."""

    def __init__(self) -> None:
        self.designations = 0
        self._uses: dict[str, int] = {"": -1}
        self._names: dict[str, int] = {}
        self._sets: dict[str, None] = {}

    def of(
        self,
        code: str,
        parents: list[str],
        facts: Iterable[Fact],
        place: int,
        postings: Postings,
    ) -> Body:
        """A concept; what it can be chosen by is added to the postings."""
        body = Body(code, parents=parents)
        for fact in facts:
            body.display = fact.display or body.display
            body.definition = fact.definition or body.definition
            body.status = fact.status or body.status
            body.inactive |= fact.inactive
            body.abstract |= fact.abstract
            for use, language, value in fact.designations:
                body.designations.append((self._use(use), language, value))
            for name, type, text, group in fact.properties:
                body.properties.append(self._said(code, name, type, text, group))
            if fact.extension:
                body.extension.extend(msgspec.json.decode(fact.extension))
            for set in fact.member_of:
                self._sets[set] = None
                postings.add(f"{layout.MEMBER}{set}", place)
        self.designations += len(body.designations)
        self._post(body, place, postings)
        return body

    def head(self, header: Tree) -> bytes:
        """What the store has to know of them all."""
        uses = [msgspec.json.decode(use) for use in self._uses if use]
        raw = msgspec.json.encode(header)
        return layout.encode(Head(raw, uses, list(self._names), list(self._sets)))

    def _use(self, use: str) -> int:
        return self._uses.setdefault(use, len(self._uses) - 1)

    def _said(self, code: str, name: str, type: str, text: str, group: int) -> Said:
        try:
            value, place = _value(type, text), TYPES.index(type)
        except ValueError as error:
            raise Invalid(f"{code[:100]}: the property {name} is no {type}.") from error
        number = self._names.setdefault(name, len(self._names))
        return Said(number, place, value, group)

    def _post(self, body: Body, place: int, postings: Postings) -> None:
        if body.inactive:
            postings.add(layout.INACTIVE, place)
        names: Sequence[str] = list(self._names)
        for said in body.properties:
            name = names[said.name]
            postings.add(layout.with_any(name), place)
            for text in layout.texts(said.value):
                short = layout.is_short(text)
                named = layout.with_value(name, text) if short else layout.with_long(name)
                postings.add(named, place)
        texts = " ".join(layout.names(body))
        for word in list(dict.fromkeys(words(texts)))[:_MOST_WORDS]:
            postings.add(f"{layout.WORD}{word[: layout.MOST_LETTERS]}", place)


def _value(type: str, text: str) -> str | bool | int | Tree:
    if type == "integer":
        if len(text) > _DIGITS:
            raise ValueError(text)
        return int(text)
    if type == "boolean":
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    if type == "Coding":
        coding = msgspec.json.decode(text)
        if not isinstance(coding, dict):
            raise ValueError(text)
        return coding
    if SEPARATOR in text:
        raise ValueError(text)
    return text
