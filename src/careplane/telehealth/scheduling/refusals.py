"""Why a visit cannot be had: each kind with the issue that tells of it (ITI-116, ITI-117)."""

from __future__ import annotations

from careplane.kernel.errors import Conflict, Issue


class Unavailable(Conflict):
    """The time is gone, or never was. IHE has it said as fatal and not-found."""

    def __init__(self, text: str, where: str = "Appointment.start") -> None:
        super().__init__(text, issues=(Issue("fatal", "not-found", text, where),))


class Unfit(Conflict):
    """The visit is not at a stage at which this can be done to it."""

    def __init__(self, text: str) -> None:
        super().__init__(
            text, issues=(Issue("error", "business-rule", text, "Appointment.status"),)
        )


class TooLate(Conflict):
    """The terms of the schedule do not let a patient do this any more, or not yet."""

    def __init__(self, text: str) -> None:
        super().__init__(text, issues=(Issue("error", "business-rule", text, "Appointment.start"),))


def all_of(refusals: list[Unavailable]) -> Conflict:
    """Several in one."""
    issues = tuple(issue for one in refusals for issue in one.issues)
    return Conflict("Not all visits of the series can be booked.", issues=issues)
