"""Whether a code is in a value set, without expanding it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from careplane.fhir.tree import Tree
from careplane.terminology.coded import Coding
from careplane.terminology.compose import Composed, Part
from careplane.terminology.concepts import Concept, Concepts
from careplane.terminology.findings import Finding
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope, Wanted
from careplane.terminology.versions import choose, is_pattern, joined, matches


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer. `concepts` and `concept` are what the code was looked up in, and found; `listed`
    is how the value set `within` lists it; `cause` is the canonical of a code system without which
    something cannot be said, `undecided` where that is whether the code is a member; `inactive`
    where only that keeps the code out."""

    member: bool = False
    concepts: Concepts | None = None
    concept: Concept | None = None
    listed: Tree | None = None
    within: str = ""
    findings: tuple[Finding, ...] = ()
    cause: str = ""
    inactive: bool = False
    undecided: bool = False


@dataclass(slots=True)
class _Choice:
    """The version of a code system that a code is looked up in."""

    concepts: Concepts | None = None
    findings: list[Finding] = field(default_factory=list)
    cause: str = ""
    undecided: bool = False


class Membership:
    """Asks one value set, and those that it imports, each once about a code: however they import
    each other, the time is bounded by how many there are."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._asked: tuple[Coding | None, dict[int, Verdict]] = (None, {})
        self._listed: dict[int, dict[tuple[str, str], Tree]] = {}

    async def of(self, value_set: Composed, coding: Coding) -> Verdict:
        """The verdict on a code that has a system."""
        if self._asked[0] != coding:
            self._asked = (coding, {})
        known = self._asked[1]
        if id(value_set) not in known:
            known[id(value_set)] = await self._of(value_set, coding)
        return known[id(value_set)]

    async def _of(self, value_set: Composed, coding: Coding) -> Verdict:
        if value_set.stored is not None:
            return await self._stored(value_set, coding)
        found = await self.of_parts(value_set, value_set.includes, coding)
        if found.member and (await self.of_parts(value_set, value_set.excludes, coding)).member:
            return replace(found, member=False)
        only = self._scope.options.active_only or value_set.active_only
        if found.member and only and found.concept is not None and found.concept.inactive:
            return replace(found, member=False, inactive=True)
        return found

    async def of_parts(self, value_set: Composed, parts: Sequence[Part], coding: Coding) -> Verdict:
        """The first part that has the code; else the part that says most about it."""
        best = Verdict()
        for part in parts:
            found = await self._part(value_set, part, coding)
            if found.member:
                return found
            if found.cause or best.concepts is None:
                best = found if found.concepts or found.cause or not best.cause else best
        return best

    async def _part(self, value_set: Composed, part: Part, coding: Coding) -> Verdict:
        found = Verdict(member=bool(part.sets))
        if part.wanted is not None:
            if part.system != coding.system:
                return Verdict()
            found = await self._own(value_set, part, part.wanted, coding)
        for other in part.sets:
            if not found.member:
                break
            also = await self.of(other, coding)
            within = found if found.concepts is not None else also
            found = replace(
                within,
                member=also.member,
                listed=found.listed or also.listed,
                within=found.within or also.within,
                inactive=also.inactive,
            )
        return found

    async def _own(
        self, value_set: Composed, part: Part, wanted: Wanted, coding: Coding
    ) -> Verdict:
        choice = await self.version(wanted, coding)
        listed = None if part.listed is None else part.listed.get(coding.code)
        if choice.concepts is None:
            return await _without(value_set, part, coding, choice)
        concepts = choice.concepts
        concept = await concepts.find(coding.code)
        if concept is not None and listed is None and part.listed is not None:
            listed = part.listed.get(concept.code)
        member = concept is not None and (part.listed is None or listed is not None)
        if concept is not None and member and part.filters:
            member = await concepts.meets(concept.code, part.filters)
        if concept is None and concepts.about.content == "fragment" and not part.filters:
            member = part.listed is None or listed is not None
        return Verdict(
            member and not choice.undecided,
            concepts,
            concept,
            listed if member else None,
            value_set.canonical if member else "",
            tuple(choice.findings),
            choice.cause,
            undecided=choice.undecided,
        )

    async def _stored(self, value_set: Composed, coding: Coding) -> Verdict:
        listed = self._listed.get(id(value_set))
        if listed is None:
            listed = self._listed[id(value_set)] = {
                (one.get("system", ""), one.get("code", "")): one for one in value_set.stored or ()
            }
        concepts = await self._scope.chosen(coding.system, coding.version)
        concept = None if concepts is None else await concepts.find(coding.code)
        one = listed.get((coding.system, coding.code))
        if one is None:
            return Verdict(False, concepts, concept)
        known = concept or Concept(coding.code, one.get("display", ""))
        return Verdict(True, concepts, known, within=value_set.canonical)

    async def version(self, wanted: Wanted, coding: Coding) -> _Choice:
        """Which version the code is looked up in, and what is wrong with versions."""
        scope, system = self._scope, wanted.system
        known = await scope.versions(system)
        if not known:
            return _Choice(None, [unknown(coding)], system)
        choice = _Choice()
        version = choose(known, wanted.version, coding.version)
        if version is None:
            choice.findings.append(_no_version(coding, wanted.version, known))
            choice.cause = joined(system, wanted.version)
            choice.undecided = True
            version = self._instead(known, wanted, coding)
        elif coding.version and choose(known, coding.version) is None:
            choice.findings.append(_no_version(coding, coding.version, known))
            choice.cause = joined(system, coding.version)
        choice.findings.extend(_mismatch(wanted, coding, version))
        if pattern := scope.allowed(system, version):
            facts = {"version": version, "system": system, "wanted": pattern}
            if not choice.cause:
                choice.findings.append(say("VALUESET_VERSION_CHECK", coding.at("version"), **facts))
        choice.concepts = await scope.concepts(system, version)
        return choice

    def _instead(self, known: Sequence[str], wanted: Wanted, coding: Coding) -> str:
        """The version to look into where the wanted one is not here: that of the value, that of a
        parameter, the newest."""
        ruled = wanted.version if wanted.rule else self._scope.wanted(wanted.system, "").version
        named = [one for one in (coding.version, ruled) if one]
        found = [version for one in named if (version := choose(known, one)) is not None]
        return found[0] if found else choose(known, "") or known[-1]


async def _without(value_set: Composed, part: Part, coding: Coding, choice: _Choice) -> Verdict:
    """The verdict where the code system is not here: a list speaks for itself, as far as it goes;
    else nothing can be said."""
    findings = tuple(choice.findings)
    known = part.stand_in()
    if known is None:
        return Verdict(cause=choice.cause, findings=findings, undecided=True)
    concept = await known.find(coding.code)
    if concept is None:
        return Verdict(cause=choice.cause, findings=findings)
    return Verdict(
        True,
        known,
        concept,
        (part.listed or {})[concept.code],
        value_set.canonical,
        tuple(replace(finding, severity="warning") for finding in findings),
        choice.cause,
    )


def _mismatch(wanted: Wanted, coding: Coding, version: str) -> list[Finding]:
    """What is wrong where the value has another version than the include asks for."""
    value = coding.version
    asked = wanted.version if wanted.version and not is_pattern(wanted.version) else version
    if not value or matches(asked, value):
        return []
    where = coding.at("version")
    facts = {"system": wanted.system, "version": wanted.version or version, "value": value}
    if not wanted.version:
        return [say("VALUESET_VALUE_MISMATCH_DEFAULT", where, **facts)]
    if wanted.version != wanted.written:
        return [say("VALUESET_VALUE_MISMATCH_CHANGED", where, original=wanted.written, **facts)]
    return [say("VALUESET_VALUE_MISMATCH", where, **facts)]


def _no_version(coding: Coding, version: str, known: Sequence[str]) -> Finding:
    facts = {"system": coding.system, "version": version, "known": among(known)}
    return say("UNKNOWN_CODESYSTEM_VERSION", coding.at("system"), **facts)


def unknown(coding: Coding) -> Finding:
    """What to say of a code system that is not here."""
    id = "UNKNOWN_CODESYSTEM_VERSION_NONE" if coding.version else "UNKNOWN_CODESYSTEM"
    return say(id, coding.at("system"), system=coding.system, version=coding.version)


def among(versions: Sequence[str]) -> str:
    """`1.0.0 or 1.2.0`; `a, b or c`."""
    if len(versions) < 2:
        return "".join(versions)
    return f"{', '.join(versions[:-1])} or {versions[-1]}"
