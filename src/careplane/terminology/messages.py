"""The messages of terminology, by id: how grave, of which kind, and in which words.

The words are those that validators compare and translate; what differs goes into the braces.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.errors import Severity
from careplane.terminology.findings import Finding


@dataclass(frozen=True, slots=True)
class Message:
    """`said`: the answer's one text repeats it; `located`: see `Finding`."""

    severity: Severity
    code: str
    kind: str
    text: str
    said: bool = True
    located: bool = True


_CONCEPT = "The concept '{code}'"
_NO_SYSTEM = "A definition for CodeSystem '{system}'"
_NO_VERSION = f"{_NO_SYSTEM} version '{{version}}' could not be found"
_NOT_VALIDATED = "so the code cannot be validated"
_NO_DISPLAY = "There are no valid display names found for"
_WRONG_DISPLAY = "Wrong Display Name '{display}' for {system}#{code}."
_INCLUDE = "The code system '{system}' version '{version}'"
_DIFFERENT = "in the ValueSet include is different to the one in the value ('{value}')"
_INFERRED = "The System URI could not be determined for the code '{code}' in the ValueSet '{vs}'"


def _status(status: str) -> Message:
    text = f"Reference to {status} {{of}}"
    return Message("information", "business-rule", "status-check", text, said=False)


MESSAGES: dict[str, Message] = {
    "None_of_the_provided_codes_are_in_the_value_set_one": Message(
        "error", "code-invalid", "not-in-vs",
        "The provided code '{coding}' was not found in the value set '{vs}'", located=False,
    ),
    "TX_GENERAL_CC_ERROR_MESSAGE": Message(
        "error", "code-invalid", "not-in-vs",
        "No valid coding was found for the value set '{vs}'",
    ),
    "Unknown_Code_in_Version": Message(
        "error", "code-invalid", "invalid-code",
        "Unknown code '{code}' in the CodeSystem '{system}' version '{version}'", located=False,
    ),
    "Unknown_Code_in": Message(
        "error", "code-invalid", "invalid-code",
        "Unknown code '{code}' in the CodeSystem '{system}'", located=False,
    ),
    "UNKNOWN_CODE_IN_FRAGMENT": Message(
        "warning", "code-invalid", "invalid-code",
        "Unknown Code '{code}' in the CodeSystem '{system}' version '{version}' - note that the "
        "code system is labeled as a fragment, so the code may be valid in some other fragment",
        said=False,
    ),
    "UNKNOWN_CODESYSTEM": Message(
        "error", "not-found", "not-found", f"{_NO_SYSTEM} could not be found, {_NOT_VALIDATED}",
        located=False,
    ),
    "UNKNOWN_CODESYSTEM_VERSION": Message(
        "error", "not-found", "not-found",
        f"{_NO_VERSION}, {_NOT_VALIDATED}. Valid versions: {{known}}",
    ),
    "UNKNOWN_CODESYSTEM_VERSION_NONE": Message(
        "error", "not-found", "not-found",
        f"{_NO_VERSION}, {_NOT_VALIDATED}. No versions of this code system are known",
    ),
    "UNKNOWN_CODESYSTEM_EXP": Message(
        "error", "not-found", "not-found",
        f"{_NO_SYSTEM} could not be found, so the value set cannot be expanded",
    ),
    "UNKNOWN_CODESYSTEM_VERSION_EXP": Message(
        "error", "not-found", "not-found",
        f"{_NO_VERSION}, so the value set cannot be expanded. Valid versions: {{known}}",
    ),
    "Unable_to_resolve_value_Set_": Message(
        "error", "not-found", "not-found",
        "A definition for the value Set '{vs}' could not be found",
    ),
    "VS_EXP_IMPORT_UNK_PINNED": Message(
        "error", "not-found", "not-found",
        "The value set '{vs}' that is imported, with its version by a parameter, could not be "
        "found",
    ),
    "CONCEPTMAP_UNKNOWN": Message(
        "error", "not-found", "not-found",
        "A definition for the concept map '{map}' could not be found",
    ),
    "VALUESET_SUPPLEMENT_MISSING": Message(
        "error", "not-found", "not-found", "Required supplement not found: {supplement}",
    ),
    "VALUESET_CIRCULAR_REFERENCE": Message(
        "error", "processing", "vs-invalid",
        "The value set '{vs}' refers to itself, by way of {way}",
    ),
    "VALUESET_TOO_COSTLY": Message(
        "error", "too-costly", "",
        "The value set '{vs}' expansion has too many codes to produce (>{limit})",
    ),
    "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE": Message(
        "error", "invalid", "vs-invalid",
        "The system {system} filter with property = {property}, op = {op} has no value",
    ),
    "VALUESET_VERSION_CHECK": Message(
        "error", "exception", "version-error",
        "The version '{version}' is not allowed for system '{system}': required to be '{wanted}' "
        "by a version-check parameter",
    ),
    "VALUESET_VALUE_MISMATCH": Message(
        "error", "invalid", "vs-invalid", f"{_INCLUDE} {_DIFFERENT}",
    ),
    "VALUESET_VALUE_MISMATCH_CHANGED": Message(
        "error", "invalid", "vs-invalid",
        f"{_INCLUDE} resulting from the version '{{original}}' {_DIFFERENT}",
    ),
    "VALUESET_VALUE_MISMATCH_DEFAULT": Message(
        "warning", "invalid", "vs-invalid",
        f"{_INCLUDE} for the versionless include {_DIFFERENT}", said=False,
    ),
    "UNABLE_TO_INFER_CODESYSTEM": Message(
        "error", "not-found", "cannot-infer",
        f"{_INFERRED}: none of its code systems has it: [{{systems}}]",
    ),
    "Unable_to_resolve_system__value_set_has_multiple_matches": Message(
        "error", "not-found", "cannot-infer",
        f"{_INFERRED}: value set expansion has multiple matches: [{{systems}}]",
    ),
    "Coding_has_no_system__cannot_validate": Message(
        "warning", "invalid", "invalid-data",
        "Coding has no system. A code with no system has no defined meaning, and it cannot be "
        "validated. A system should be provided", located=False,
    ),
    "Terminology_TX_System_Relative": Message(
        "error", "invalid", "invalid-data",
        "Coding.system must be an absolute reference, not a local reference",
    ),
    "Terminology_TX_System_ValueSet2": Message(
        "error", "invalid", "invalid-data",
        "The Coding references a value set, not a code system ('{system}')",
    ),
    "CODESYSTEM_CS_NO_SUPPLEMENT": Message(
        "error", "invalid", "invalid-data",
        "CodeSystem {system} is a supplement, so can't be used as a value in Coding.system",
    ),
    "ABSTRACT_CODE_NOT_ALLOWED": Message(
        "error", "business-rule", "code-rule",
        "Code '{system}#{code}' is abstract, and not allowed in this context",
    ),
    "STATUS_CODE_WARNING_CODE": Message(
        "error", "business-rule", "code-rule", f"{_CONCEPT} is valid but is not active",
    ),
    "INACTIVE_CONCEPT_FOUND": Message(
        "warning", "business-rule", "code-comment",
        f"{_CONCEPT} has a status of {{status}} and its use should be reviewed", located=False,
    ),
    "DEPRECATED_CONCEPT_FOUND": Message(
        "warning", "business-rule", "code-comment",
        f"{_CONCEPT} is deprecated and its use should be reviewed",
    ),
    "CONCEPT_DEPRECATED_IN_VALUESET": Message(
        "warning", "business-rule", "code-comment",
        "The presence of the concept '{code}' in the system '{system}' in the value set {vs} is "
        "marked with a status of {status} and its use should be reviewed", said=False,
    ),
    "CODE_CASE_DIFFERENCE": Message(
        "information", "business-rule", "code-rule",
        "The code '{given}' differs from the correct code '{code}' by case. Although the code "
        "system '{system}' is case insensitive, implementers are strongly encouraged to use the "
        "correct case anyway", said=False,
    ),
    "Display_Name_for__should_be_one_of__instead_of": Message(
        "error", "invalid", "invalid-display",
        f"{_WRONG_DISPLAY} Valid display is {{valid}} (for the language(s) '{{languages}}')",
        located=False,
    ),
    "Display_Name_WS_for__should_be_one_of__instead_of": Message(
        "error", "invalid", "invalid-display",
        f"{_WRONG_DISPLAY} The white space differs: valid display is {{valid}} (for the "
        "language(s) '{languages}')",
    ),
    "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_OK": Message(
        "information", "invalid", "invalid-display",
        f"{_NO_DISPLAY} the code {{system}}#{{code}} for language(s) '{{languages}}'. The display "
        "is '{display}' which is a valid display for the default language",
    ),
    "NO_VALID_DISPLAY_FOUND_NONE_FOR_LANG_ERR": Message(
        "error", "invalid", "invalid-display",
        f"{_WRONG_DISPLAY} {_NO_DISPLAY} language(s) '{{languages}}'. Default display is "
        "'{default}'",
    ),
    "INACTIVE_DISPLAY_FOUND": Message(
        "warning", "invalid", "display-comment",
        "'{display}' is no longer considered a correct display for code '{code}' (status = "
        "{status}). The correct display is one of {valid}.", said=False,
    ),
    "MSG_DEPRECATED": _status("deprecated"),
    "MSG_WITHDRAWN": _status("withdrawn"),
    "MSG_EXPERIMENTAL": _status("experimental"),
    "MSG_DRAFT": _status("draft"),
}  # fmt: skip
_LONGEST = 200
"""Characters of a code or display that a message repeats."""
_OURS = frozenset({"known", "systems", "valid", "way"})
"""Facts that are not the request's words but ours."""


def say(id: str, where: str = "", **facts: str) -> Finding:
    """A finding in the words of its message, with these facts in it."""
    message = MESSAGES[id]
    text = message.text.format_map({n: v if n in _OURS else short(v) for n, v in facts.items()})
    return Finding(
        message.severity,
        message.code,
        message.kind,
        id,
        text,
        where,
        message.said,
        message.located,
    )


def short(text: str) -> str:
    """A text that came from a request, cut to what a message can bear."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
