"""How the Python interpreter is set: to start, and for a process that holds the store open."""

from __future__ import annotations

import gc
import sys

_SWITCH_SECONDS = 0.0002
"""The store's writer gives up the interpreter at every statement; with the default of 5 ms a busy
event loop would hand it back late (docs/store.md)."""
_COMMON = ("Patient", "Observation", "Encounter", "Condition")
_YOUNG_OBJECTS, _OF_MANY = 50_000, 200_000
"""Requests leave few cycles behind: the collector may look less often."""


def hasten() -> None:
    """Call it before modules are read: they make objects by the hundred thousand, and leave none
    behind that the garbage collector would have to find."""
    gc.set_threshold(_OF_MANY, 20, 50)


def settle(*, validates: bool = True, many: bool = False) -> None:
    """Call it once, when everything is built: what is there now stays, and is not looked at by the
    garbage collector again, nor now, since a start leaves no garbage worth the time. `validates`:
    whether resources will be looked at in this process; `many`: whether they come in thousands."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    if validates:
        from careplane.fhir import validation

        validation.prepare(*_COMMON)
    gc.freeze()
    gc.set_threshold(_OF_MANY if many else _YOUNG_OBJECTS, 20, 50)
