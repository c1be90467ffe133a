"""From browsers among themselves to a media server: which of the two carries a room, and who waits
until that is settled. A room grows once and does not shrink."""

from __future__ import annotations

from dataclasses import dataclass, field

from careplane.telehealth.visits.media.port import Media


@dataclass(slots=True)
class Growth:
    """Of one room. `many` is None where there is no server. `opening` while it is asked for, and
    then `pending` are seats that come in when it is ready, `unshown` those that are in and were not
    told of a way yet."""

    few: Media
    many: Media | None = None
    is_large: bool = False
    opening: bool = False
    pending: list[str] = field(default_factory=list)
    unshown: set[str] = field(default_factory=set)

    @property
    def media(self) -> Media:
        """How sound and picture go now."""
        return self.many if self.is_large and self.many else self.few

    @property
    def most(self) -> int:
        """How many can take part, at last."""
        return (self.many or self.few).most

    @property
    def can_grow(self) -> bool:
        """Whether there is a server that does not carry it yet."""
        return self.many is not None and not self.is_large

    def comes_later(self, seat: str, inside: int) -> bool:
        """Whether this seat is one too many for browsers among themselves; it is `pending` then."""
        later = self.can_grow and inside >= self.few.most
        if later:
            self.pending.append(seat)
        return later

    def shows_later(self, seat: str) -> bool:
        """Whether it is not settled what this seat is to be told; it is `unshown` then."""
        if self.opening:
            self.unshown.add(seat)
        return self.opening

    def settle(self, *, large: bool) -> tuple[set[str], list[str]]:
        """The server is ready, or cannot be had: who was not shown a way, and who waits."""
        self.opening, self.is_large = False, large
        unshown, pending = self.unshown, self.pending
        self.unshown, self.pending = set(), []
        return unshown, pending

    def forget(self, seat: str) -> None:
        """Nobody has it any more."""
        self.unshown.discard(seat)
        if seat in self.pending:
            self.pending.remove(seat)
