"""The exposure of a token, in words and as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from careplane.access.smart.tokens import Token
from careplane.app.audits.exposure import Exposure, exposure
from careplane.kernel.clock import format_instant
from careplane.records.audits.rendering import cleaned

if TYPE_CHECKING:
    from careplane.app.build import Careplane

_LONGEST = 16_384
_SHOWN = 20


async def exposed(here: Careplane, source: str) -> Exposure:
    """Of a token in a file, on standard input (`-`), or known by its id alone."""
    token = _token(here, source)
    id = token.id if token else source
    return await exposure(here.auditing.trail, here.door, here.operator, id, token)


def _token(here: Careplane, source: str) -> Token | None:
    if source == "-":
        return here.tokens.told(sys.stdin.read(_LONGEST).strip())
    path = Path(source)
    if path.is_file():
        return here.tokens.told(path.read_text("utf-8", "replace")[:_LONGEST].strip())
    return None


def as_json(found: Exposure) -> dict[str, Any]:
    """All of it."""
    return {
        "token": found.token,
        "agent": found.agent,
        "requests": found.requests,
        "refused": found.refused,
        "first": found.first and format_instant(found.first),
        "last": found.last and format_instant(found.last),
        "addresses": dict(found.addresses),
        "read": dict(found.patients),
        "resources": len(found.resources),
        "reach": found.reach,
        "types": found.types,
    }


def as_text(found: Exposure) -> str:
    """For people; the lists of patients are cut, and --json has all."""
    lines = [f"token {found.token} of {found.agent or 'nobody known'}"]
    when = ""
    if found.first is not None and found.last is not None:
        when = f", {format_instant(found.first)} to {format_instant(found.last)}"
    lines.append(f"  requests  {found.requests}, {found.refused} of them refused{when}")
    lines.append(f"  addresses {', '.join(sorted(found.addresses)) or '-'}")
    lines.append(f"  did read  {len(found.resources)} resources of {_list(sorted(found.patients))}")
    if found.reach is None:
        lines.append("  could read: give the token itself, not its id, and it is worked out")
    else:
        lines.append(f"  could read {_list(found.reach)}")
        lines += [f"            {count:>9,} {type}" for type, count in found.types.items()]
    return "\n".join(map(cleaned, lines))


def _list(ids: list[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f"{len(ids)} patients{': ' if ids else ''}{', '.join(ids[:_SHOWN])}{more}"
