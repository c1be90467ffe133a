"""What somebody is told who could not prove who he is."""

from __future__ import annotations

from careplane.kernel.errors import TooMany, Unauthenticated

WORDS = "The login, the password or the code is not right."


class NotProven(Unauthenticated):
    """The proof is not good. The text does not tell which part of it, nor whether there is such a
    user; `reason` is for the audit trail, and never holds what was typed in."""

    def __init__(self, reason: str, text: str = WORDS) -> None:
        super().__init__(text)
        self.reason = reason


class SlowDown(TooMany):
    """Too many failures; `seconds` until another try is taken."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many tries have failed. Try again in {seconds} seconds.")
        self.seconds = seconds
