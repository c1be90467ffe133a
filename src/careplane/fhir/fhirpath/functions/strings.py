"""Text (FHIRPath 2.0, 5.6 String manipulation, and the additional functions of 2.1).

Regular expressions come from strangers: they run on RE2, in linear time, without look-around.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

from careplane.fhir.fhirpath.calling import STEP_CHARACTERS, Arguments, value
from careplane.fhir.fhirpath.errors import EvaluationError
from careplane.fhir.fhirpath.items import Collection
from careplane.fhir.fhirpath.scope import Scope


def index_of(text: str, part: str) -> int:
    return text.find(part)


def last_index_of(text: str, part: str) -> int:
    return text.rfind(part)


def substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def starts_with(text: str, prefix: str) -> bool:
    return text.startswith(prefix)


def ends_with(text: str, suffix: str) -> bool:
    return text.endswith(suffix)


def contains(text: str, part: str) -> bool:
    return part in text


def upper(text: str) -> str:
    return text.upper()


def lower(text: str) -> str:
    return text.lower()


def length(text: str) -> int:
    return len(text)


def to_chars(text: str) -> list[str]:
    return list(text)


def trim(text: str) -> str:
    return text.strip()


def split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def join(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """All strings of the input as one, a separator between them."""
    separator = value(arguments[0](scope), str, "join()") if arguments else ""
    texts = [value([item], str, "join()") for item in focus]
    size = sum(len(text or "") + len(separator or "") for text in texts)
    scope.run.spend(size // STEP_CHARACTERS)
    return [(separator or "").join(text or "" for text in texts)] if focus else []


def replace(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """Every occurrence of a text by another one; the empty text occurs before each character."""
    text = value(focus, str, "replace()")
    old, new = (value(argument(scope), str, "replace()") for argument in arguments)
    if text is None or old is None or new is None:
        return []
    occurrences = text.count(old)
    scope.run.spend((len(text) + occurrences * len(new)) // STEP_CHARACTERS)
    return [text.replace(old, new)]


MATCH_STEPS: Final = 16  # what one match and its substitution cost, in steps of the budget

_OPTIONS: Final = re2.Options()
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error:
        raise EvaluationError("This regular expression cannot be used here (RE2 syntax).") from None


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern is found somewhere in the text; `.` takes line ends too."""
    return _compiled(pattern).search(text) is not None


def matches_full(text: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


_GROUP: Final = re.compile(r"\$(?:(\d{1,2})|\{(\w+)\})|\\(.)", re.ASCII | re.DOTALL)


def replace_matches(scope: Scope, focus: Collection, arguments: Arguments) -> Collection:
    """What a pattern matches by a substitution, where `$1` and `${name}` stand for its groups."""
    text = value(focus, str, "replaceMatches()")
    pattern, new = (value(argument(scope), str, "replaceMatches()") for argument in arguments)
    if text is None or pattern is None or new is None:
        return []
    if not pattern:
        return [text]
    made = _Substitution(scope, new)
    return [_compiled(pattern).sub(made, text)]


class _Substitution:
    """Makes the text for each match, and pays for it."""

    def __init__(self, scope: Scope, template: str) -> None:
        self.scope = scope
        self.template = template

    def __call__(self, match: Any) -> str:
        made = _GROUP.sub(lambda group: self._group(match, group), self.template)
        self.scope.run.spend(MATCH_STEPS + len(made) // STEP_CHARACTERS)
        return made

    @staticmethod
    def _group(match: Any, group: re.Match[str]) -> str:
        number, name, escaped = group.groups()
        if escaped is not None:
            return escaped
        try:
            return str(match.group(int(number) if number else name) or "")
        except (IndexError, KeyError):
            raise EvaluationError("The substitution names a group that does not exist.") from None


def _hex(text: bytes) -> bytes:
    return binascii.hexlify(text)


_ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "base64": base64.b64encode,
    "urlbase64": base64.urlsafe_b64encode,
    "hex": _hex,
}
_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "urlbase64": lambda text: base64.b64decode(text, altchars=b"-_", validate=True),
    "hex": binascii.unhexlify,
}


def encode(text: str, form: str) -> str | None:
    encoder = _ENCODERS.get(form)
    return None if encoder is None else encoder(text.encode()).decode("ascii")


def decode(text: str, form: str) -> str | None:
    decoder = _DECODERS.get(form)
    if decoder is None:
        return None
    try:
        return decoder(text.encode("ascii")).decode()
    except ValueError:
        raise EvaluationError(f"This is not text in {form}.") from None


def escape(text: str, form: str) -> str | None:
    if form == "html":
        return html.escape(text, quote=True).replace("&#x27;", "&#39;")
    return json.dumps(text, ensure_ascii=False)[1:-1] if form == "json" else None


def unescape(text: str, form: str) -> str | None:
    if form == "html":
        return html.unescape(text)
    if form != "json":
        return None
    try:
        # Text without escapes is itself, even with the quotes that JSON would have escaped.
        return str(json.loads(f'"{_BARE_QUOTE.sub(_quoted, text)}"', strict=False))
    except ValueError:
        raise EvaluationError("This is not escaped as JSON.") from None


_BARE_QUOTE: Final = re.compile(r'\\.|"', re.DOTALL)


def _quoted(match: re.Match[str]) -> str:
    return '\\"' if match.group() == '"' else match.group()
