"""What of a room belongs into the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.presence import Presence
from careplane.telehealth.visits.tokens import Pass

Kind = Literal["arrived", "begun", "left", "ended", "kept", "recording"]


@dataclass(frozen=True, slots=True)
class Noted:
    """By whom; with everybody's presence so far."""

    kind: Kind
    by: Pass
    presences: tuple[Presence, ...]
    lines: tuple[m.Chatted, ...] = ()
