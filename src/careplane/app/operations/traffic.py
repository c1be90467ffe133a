"""Whether a process wants new requests: no longer, from the moment it was told to go."""

from __future__ import annotations


class Traffic:
    """One process' wish. Requests that come all the same are answered as ever."""

    def __init__(self) -> None:
        self.draining = False

    def drain(self) -> None:
        """Send newcomers elsewhere from now on."""
        self.draining = True
