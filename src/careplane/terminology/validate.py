"""$validate-code of ValueSet and CodeSystem (FHIR R4, 4.9.18.2 and 4.8.18.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from careplane.fhir.tree import Tree
from careplane.terminology import status
from careplane.terminology.coded import Coded, Coding
from careplane.terminology.compose import Composed, compose
from careplane.terminology.concepts import Concept, Concepts
from careplane.terminology.display import names
from careplane.terminology.findings import Finding, Missing, outcome
from careplane.terminology.infer import infer
from careplane.terminology.languages import Languages, wished
from careplane.terminology.membership import Membership, Verdict, unknown
from careplane.terminology.messages import say
from careplane.terminology.scope import Scope


@dataclass(slots=True)
class Answer:
    """What there is to say about one coding, or all. `missing` are canonicals of code systems that
    were not known, `blocking` those without which the value set could not say."""

    member: bool = False
    coding: Coding | None = None
    concepts: Concepts | None = None
    concept: Concept | None = None
    listed: Tree | None = None
    display: str = ""
    findings: list[Finding] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    blocking: list[str] = field(default_factory=list)

    @property
    def result(self) -> bool:
        """Whether the code is right in every respect."""
        return self.member and not any(f.severity == "error" for f in self.findings)


async def validate(scope: Scope, coded: Coded, value_set: Tree | None) -> Tree:
    """The Parameters that answer; without a value set, whether the code is in its code system.
    Raises Refusal where the value set or a supplement cannot be used at all."""
    await scope.supplement(value_set)
    if value_set is None:
        answers = [await _in_code_system(scope, coding) for coding in coded.codings]
        return _written(coded, _together(coded, answers, ""))
    try:
        composed = await compose(scope, value_set)
    except Missing as missing:
        coding = coded.codings[0] if coded.codings and coded.form != "codeableConcept" else None
        return _written(coded, Answer(coding=coding, findings=[missing.finding]))
    languages = _languages(scope, composed)
    answers = [await _in_value_set(scope, composed, c, coded, languages) for c in coded.codings]
    together = _together(coded, answers, composed.canonical or "(unidentified)")
    together.findings.extend(await status.of_value_set(scope, composed, together.concepts))
    return _written(coded, together)


def _languages(scope: Scope, value_set: Composed) -> Languages:
    own = value_set.parameters.get("displayLanguage") or value_set.tree.get("language", "")
    return scope.options.languages or (wished(own) if own else Languages())


async def _in_value_set(
    scope: Scope, value_set: Composed, coding: Coding, coded: Coded, languages: Languages
) -> Answer:
    answer = Answer(coding=coding)
    named = value_set.canonical or "(unidentified)"
    if not coding.system:
        found = await _without_system(scope, value_set, coding, coded, answer)
        if found is None:
            answer.findings.append(_not_in(coding, named, coded))
            return answer
        coding = answer.coding = found
    verdict = await Membership(scope).of(value_set, coding)
    _take(answer, verdict)
    answer.findings.extend(verdict.findings)
    if verdict.cause:
        answer.blocking.append(verdict.cause)
    if verdict.member:
        _listed_as(answer, verdict, coding)
    elif not verdict.undecided:
        answer.findings.append(_not_in(coding, named, coded))
        if verdict.inactive:
            answer.findings.append(
                say("STATUS_CODE_WARNING_CODE", coding.at("code"), code=coding.code)
            )
        if verdict.concepts is None:
            await _look_up(scope, answer, coding)
    if not scope.options.membership_only:
        _concept(scope, answer, coding, languages)
    return answer


async def _without_system(
    scope: Scope, value_set: Composed, coding: Coding, coded: Coded, answer: Answer
) -> Coding | None:
    if coded.form == "code":
        system, finding = await infer(scope, value_set, coding)
        if finding is not None:
            answer.findings.append(finding)
        return replace(coding, system=system) if system else None
    answer.findings.append(say("Coding_has_no_system__cannot_validate", coding.whole))
    return None


def _take(answer: Answer, verdict: Verdict) -> None:
    answer.member = verdict.member
    answer.concepts, answer.concept = verdict.concepts, verdict.concept
    answer.listed = verdict.listed


def _not_in(coding: Coding, named: str, coded: Coded) -> Finding:
    id = "None_of_the_provided_codes_are_in_the_value_set_one"
    found = say(id, coding.at("code"), coding=coding.named, vs=named)
    if coded.form == "codeableConcept":
        return replace(found, severity="information", kind="this-code-not-in-vs", said=False)
    return found


def _listed_as(answer: Answer, verdict: Verdict, coding: Coding) -> None:
    marked = status.of_listed(verdict.listed)
    if marked:
        facts = {"system": coding.system, "vs": verdict.within, "status": marked}
        answer.findings.append(
            say("CONCEPT_DEPRECATED_IN_VALUESET", coding.at("code"), code=coding.code, **facts)
        )


async def _look_up(scope: Scope, answer: Answer, coding: Coding) -> None:
    """A code whose system is not one of the value set's: is it one at all?"""
    found = await scope.chosen(coding.system, coding.version)
    if found is not None:
        answer.concepts = found
        answer.concept = await found.find(coding.code)
        return
    where = coding.at("system")
    if await scope.value_set(coding.system) is not None:
        answer.findings.append(say("Terminology_TX_System_ValueSet2", where, system=coding.system))
        return
    if supplement := await scope.supplement_of_itself(coding.system):
        answer.findings.append(say("CODESYSTEM_CS_NO_SUPPLEMENT", where, system=supplement))
        return
    if ":" not in coding.system:
        answer.findings.append(say("Terminology_TX_System_Relative", where))
    answer.findings.append(unknown(coding))
    answer.missing.append(coding.system)


def _concept(scope: Scope, answer: Answer, coding: Coding, languages: Languages) -> None:
    """What there is to say of the concept itself."""
    concepts, concept = answer.concepts, answer.concept
    if concepts is None:
        return
    about = concepts.about
    facts = {"code": coding.code, "system": coding.system, "version": about.version}
    if concept is None:
        if about.content == "fragment":
            id = "UNKNOWN_CODE_IN_FRAGMENT"
        else:
            id = "Unknown_Code_in_Version" if about.version else "Unknown_Code_in"
        answer.findings.append(say(id, coding.at("code"), **facts))
        return
    if concept.code != coding.code:
        given = {"given": coding.code, "code": concept.code, "system": about.canonical}
        answer.findings.append(say("CODE_CASE_DIFFERENCE", coding.at("code"), **given))
    answer.findings.extend(status.of_concept(concept, coding))
    if concept.abstract and scope.options.abstract is False:
        answer.member = False
        answer.findings.append(say("ABSTRACT_CODE_NOT_ALLOWED", coding.at("code"), **facts))
    all_names = names(concept, about.language, answer.listed)
    best = all_names.best(replace(languages, strict=False))
    answer.display = "" if best is None else best.value
    if coding.display:
        lenient = scope.options.lenient_display is True
        answer.findings.extend(all_names.check(coding, languages, lenient))


async def _in_code_system(scope: Scope, coding: Coding) -> Answer:
    answer = Answer(coding=coding)
    if not coding.system:
        answer.findings.append(say("Coding_has_no_system__cannot_validate", coding.whole))
        return answer
    choice = await Membership(scope).version(scope.wanted(coding.system, coding.version), coding)
    if choice.concepts is None:
        await _look_up(scope, answer, coding)
        return answer
    answer.findings.extend(choice.findings)
    if choice.cause:
        answer.blocking.append(choice.cause)
    answer.concepts = choice.concepts
    answer.concept = await choice.concepts.find(coding.code)
    answer.member = answer.concept is not None or choice.concepts.about.content == "fragment"
    _concept(scope, answer, coding, scope.options.languages)
    answer.findings.extend(status.of_code_system(choice.concepts, {}))
    return answer


def _together(coded: Coded, answers: list[Answer], named: str) -> Answer:
    """One answer of several: the first coding that is right stands for the concept."""
    if coded.form != "codeableConcept":
        return answers[0]
    first = next((a for a in answers if a.member), None)
    whole = replace(first) if first is not None else Answer()
    whole.findings = [f for a in answers for f in a.findings]
    whole.missing = [one for a in answers for one in a.missing]
    whole.blocking = [one for a in answers for one in a.blocking]
    if first is None and named and not whole.blocking:
        whole.findings.insert(0, say("TX_GENERAL_CC_ERROR_MESSAGE", vs=named))
    return whole


def _written(coded: Coded, answer: Answer) -> Tree:
    """Parameters, in the order of their names."""
    coding, concept = answer.coding, answer.concept
    found: list[Tree] = [{"name": "result", "valueBoolean": answer.result}]
    if coding is not None:
        found.append({"name": "code", "valueCode": coding.code})
        if coding.system:
            found.append({"name": "system", "valueUri": coding.system})
        if concept is not None and concept.code != coding.code:
            found.append({"name": "normalized-code", "valueCode": concept.code})
    if answer.concepts is not None and answer.concepts.about.version and coding is not None:
        found.append({"name": "version", "valueString": answer.concepts.about.version})
    if answer.display and coding is not None:
        found.append({"name": "display", "valueString": answer.display})
    if coded.concept is not None:
        found.append({"name": "codeableConcept", "valueCodeableConcept": coded.concept})
    if concept is not None and concept.inactive:
        found.append({"name": "inactive", "valueBoolean": True})
    if concept is not None and concept.status and status.is_worth_saying(concept):
        found.append({"name": "status", "valueCode": concept.status})
    found.extend(_canonicals("x-unknown-system", answer.missing))
    found.extend(_canonicals("x-caused-by-unknown-system", answer.blocking))
    if answer.findings:
        found.append({"name": "issues", "resource": outcome(answer.findings)})
        said = sorted({finding.text for finding in answer.findings if finding.said})
        if said:
            found.append({"name": "message", "valueString": "; ".join(said)})
    return {"resourceType": "Parameters", "parameter": sorted(found, key=lambda p: p["name"])}


def _canonicals(name: str, found: Iterable[str]) -> Iterable[Tree]:
    return ({"name": name, "valueCanonical": one} for one in dict.fromkeys(found))
