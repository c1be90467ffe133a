"""Steps of a piece of work, by name, for whoever watches how long each takes: nothing is known here
of who that is. A name is a word of ours, never a value of a request."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

Step: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""The step of this name is what happens inside of the context."""
_NOTHING = nullcontext()


def unwatched(name: str) -> AbstractContextManager[object]:
    """A Step for a house where nobody watches."""
    return _NOTHING
