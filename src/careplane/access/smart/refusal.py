"""What an OAuth endpoint says where it does not do what it was asked (RFC 6749, 5.2)."""

from __future__ import annotations

from careplane.kernel.errors import CareplaneError


class Refused(CareplaneError):
    """`error` is a code of RFC 6749, 5.2; `text` becomes the error_description. Neither tells
    whether there is such a client."""

    code = "security"

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error


def invalid_client() -> Refused:
    """One text for every credential that is not good."""
    return Refused(
        "invalid_client",
        "The client cannot be authenticated: its id, its credential or its registration is wrong.",
    )
