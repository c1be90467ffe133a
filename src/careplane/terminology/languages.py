"""The languages that somebody wants to read, in their order (RFC 9110, 12.5.4; RFC 4647)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_MOST = 20
"""Languages of one wish; more are cut off."""


@dataclass(frozen=True, slots=True)
class Languages:
    """A wish. `tags` are in the order of preference; `strict` where nothing else is wanted: `*` has
    the weight 0. `text` is the wish as it is written back."""

    tags: tuple[str, ...] = ()
    strict: bool = False
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.tags)

    def rank(self, language: str) -> int | None:
        """Which wish a language fulfils, counted from 0; None for none. `de` takes `de-CH`; a
        language that is not known fulfils none."""
        for place, tag in enumerate(self.tags):
            if fits(language, tag):
                return place
        return None


def fits(language: str, wanted: str) -> bool:
    """Whether a language is the wanted one, or a narrower one (RFC 4647, 3.3.1)."""
    found, tag = language.lower(), wanted.lower()
    return found == tag or found.startswith(tag + "-")


@lru_cache(maxsize=256)
def wished(text: str) -> Languages:
    """`de, en-GB; q=0.8, *; q=0` understood. What cannot be read is passed over."""
    found: list[tuple[float, int, str]] = []
    strict = False
    said: list[str] = []
    for place, part in enumerate(text.split(",")[:_MOST]):
        tag, _, weight = part.partition(";")
        tag, q = tag.strip(), _weight(weight)
        if not tag:
            continue
        said.append(f" {tag}; q={weight.partition('=')[2].strip()}" if weight else tag)
        if tag == "*":
            strict = q == 0
        elif q > 0:
            found.append((-q, place, tag))
    return Languages(tuple(tag for _, _, tag in sorted(found)), strict, ",".join(said).strip())


def _weight(text: str) -> float:
    name, _, value = text.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 1.0
