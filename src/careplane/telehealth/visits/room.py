"""The room of one visit, in the memory of one process: who sits where and who is told what.

No I/O and no waiting: it is told of comings, words (`hearing`) and the time, writes to lines, hands
what belongs into the record to `note`, and what its media need to `stir` (`minding`).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from careplane.kernel.clock import Clock
from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.chat import Chat
from careplane.telehealth.visits.media.growth import Growth
from careplane.telehealth.visits.noted import Kind, Noted
from careplane.telehealth.visits.presence import Presences
from careplane.telehealth.visits.recording import Recording
from careplane.telehealth.visits.seats import OVER, PUT_OUT, Line, Seat
from careplane.telehealth.visits.tokens import RESUME_SECONDS, Pass, Resume, Seals

MOST_WAITING = 8
GRACE = 60_000_000
"""Microseconds that a seat is kept for whose socket is gone."""


class Room:
    """Of one visit. Neither `note` nor `stir` may wait."""

    def __init__(
        self,
        seals: Seals,
        clock: Clock,
        growth: Growth,
        note: Callable[[Noted], None],
        phone: str = "",
        stir: Callable[[], None] = lambda: None,
    ) -> None:
        self._seals = seals
        self._clock = clock
        self._note = note
        self._stir = stir
        self._phone = phone
        self._since = clock()
        self._presences = Presences()
        self._out: set[str] = set()
        self.growth = growth
        self.recording = Recording()
        self.chat = Chat()
        self.seats: dict[str, Seat] = {}
        self.begun = False
        self.over = False

    @property
    def waiting(self) -> list[Seat]:
        """Who is not let in yet, in the order of coming."""
        return [seat for seat in self.seats.values() if not seat.held.admitted]

    @property
    def inside(self) -> list[Seat]:
        """Who is."""
        return [seat for seat in self.seats.values() if seat.held.admitted]

    @property
    def has_host(self) -> bool:
        """Whether somebody can let others in."""
        return any(seat.is_host for seat in self.inside)

    @property
    def is_full(self) -> bool:
        """Whether nobody more can be let in."""
        return len(self.inside) + len(self.growth.pending) >= self.growth.most

    def enter(self, held: Pass, line: Line) -> Seat | None:
        """Take a seat, or come back to one; None where there is no room, of which the line was
        told."""
        seat = self.seats.get(held.seat)
        if seat is not None:
            return self._returned(seat, held, line)
        if held.seat in self._out:
            line.send(m.told(m.Problem("access", "This seat was given up; join anew.")))
            line.close(PUT_OUT)
            return None
        admitted = held.admitted or held.role == "host"
        most = max(MOST_WAITING, self.growth.most)
        if self.over or (self.is_full if admitted else len(self.waiting) >= most):
            line.send(m.told(m.Problem("full", "The room is full; try again later.")))
            line.close(OVER)
            return None
        large = held.large or self.growth.is_large
        seat = self.seats[held.seat] = Seat(replace(held, admitted=False, large=large), line)
        self._welcome(seat)
        if seat.held.role == "patient":
            self.note("arrived", seat)
        if admitted:
            self.admit(seat)
        else:
            self._knock()
        return seat

    def dropped(self, seat: Seat, line: Line) -> None:
        """A line is gone. The seat stays for a while, unless it has another line by now."""
        if self.seats.get(seat.id) is not seat or seat.line is not line:
            return
        seat.line, seat.away = None, self._clock()
        if seat.held.admitted:
            self.tell_others(seat, m.Away(seat.id))

    def tick(self) -> None:
        """Forget who did not come back, and close when the time is over."""
        now = self._clock()
        for seat in list(self.seats.values()):
            if seat.line is None and (seat.is_lost or now - seat.away > GRACE):
                self._gone(seat)
        if self.seats and all(seat.held.until <= now for seat in self.seats.values()):
            self.finish(next(iter(self.seats.values())))

    def hurry(self, seat: Seat, before: int, seconds: int) -> None:
        """Tell who waits how long it may take."""
        seat.tell(m.Waiting(before, seconds, self.has_host))

    def scatter(self, code: int) -> None:
        """This process lets go of the room: everybody comes back to another."""
        for seat in self.seats.values():
            if seat.line is not None:
                seat.line.close(code)
        self.seats.clear()
        self.over = True

    def tell_hosts(self, message: object) -> None:
        """What is for them alone."""
        for seat in self.inside:
            if seat.is_host:
                seat.tell(message)

    def tell_all(self, message: object) -> None:
        """Everybody who is let in."""
        for seat in self.inside:
            seat.tell(message)

    def tell_others(self, seat: Seat, message: object) -> None:
        """Everybody else."""
        for other in self.inside:
            if other is not seat:
                other.tell(message)

    def admit(self, seat: Seat) -> None:
        """Let in somebody who waits, of whom there is not one too many; where browsers among
        themselves are as many as can be, when the media server is ready."""
        growth = self.growth
        later = growth.comes_later(seat.id, len(self.inside))
        if (later or (seat.held.large and growth.can_grow)) and not growth.opening:
            growth.opening = True
            self._stir()
        if not later:
            self._let_in(seat)

    def remove(self, seat: Seat) -> None:
        """Refuse who waits, or put somebody out."""
        self._out.add(seat.id)
        seat.end(m.Ended(), PUT_OUT)
        self._gone(seat)

    def leave(self, seat: Seat) -> None:
        """Not to come back with this seat."""
        self._out.add(seat.id)
        if seat.line is not None:
            seat.line.close(OVER)
        self._gone(seat)

    def finish(self, by: Seat) -> None:
        """The visit is over, for everybody."""
        self.over = True
        now = self._clock()
        for seat in self.inside:
            self._presences.end(seat.id, seat.away or now)
        if self.begun:
            self.note("ended", by)
        for seat in self.seats.values():
            seat.end(m.Ended(), OVER)
        self.seats.clear()
        self._stir()

    def grown(self) -> None:
        """The media server is ready: all go there, and who was let in meanwhile comes in."""
        _, pending = self.growth.settle(large=True)
        for seat in self.seats.values():
            seat.held = replace(seat.held, large=True)
        for seat in self.inside:
            self._show(seat)
        for id in pending:
            self._let_in(self.seats[id])

    def not_grown(self) -> None:
        """The media server cannot be had now: browsers go on among themselves."""
        unshown, _ = self.growth.settle(large=False)
        for seat in self.inside:
            if seat.id in unshown:
                self._show(seat)
        text = (
            "The server for larger groups does not answer. Up to "
            f"{self.growth.few.most} can take part; let others in later, or telephone."
        )
        self.tell_hosts(m.Problem("media", text))
        self._knock()

    def stays(self, id: str) -> bool:
        """Whether the media server may have somebody of this seat: who was let in; and at first
        also who was let in where another process had the room, and comes back soon."""
        seat = self.seats.get(id)
        if seat is not None:
            return seat.held.admitted
        return id not in self._out and not self.over and self._clock() - self._since <= GRACE

    def renew(self, seat: Seat) -> None:
        """Tell one the way of the media again."""
        way = self.growth.media.way(seat.id, self._clock())
        seat.tell(m.Relays(way.ice, way.sfu))

    def resume(self, seat: Seat) -> str:
        """A token to come back with."""
        until = self._clock() + RESUME_SECONDS * 1_000_000
        return self._seals.seal(Resume(seat.held, until))

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._clock() // 1000

    def note(self, kind: Kind, seat: Seat, lines: tuple[m.Chatted, ...] = ()) -> None:
        """Something belongs into the record."""
        self._note(Noted(kind, seat.held, self._presences.all(), lines))

    def look_at_recording(self, *, tell: bool = False) -> None:
        """After somebody came, went or answered."""
        self.recording.look(self.inside, lambda host: self.note("recording", host), tell=tell)

    def _returned(self, seat: Seat, held: Pass, line: Line) -> Seat:
        seat.back(line)
        seat.held = replace(seat.held, until=held.until)
        self._welcome(seat)
        seat.catch_up()
        if seat.held.admitted:
            self._show(seat)
            for other in self.inside:
                if other is not seat:
                    other.tell(m.Joined(seat.peer(other)) if held.fresh else m.Back(seat.id))
            if self.recording.by:
                self.recording.show(seat)
        if seat.is_host:
            self._knock()
        return seat

    def _welcome(self, seat: Seat) -> None:
        held = seat.held
        until = held.until // 1000
        seat.tell(m.Welcome(seat.id, held.role, self.resume(seat), until, self._phone))

    def _let_in(self, seat: Seat) -> None:
        seat.held = replace(seat.held, admitted=True)
        self._presences.begin(seat.held, self._clock())
        self._show(seat)
        for other in self.inside:
            if other is not seat:
                other.tell(m.Joined(seat.peer(other)))
        self._knock()
        self.look_at_recording()
        roles = {one.held.role for one in self.inside}
        if not self.begun and {"host", "patient"} <= roles:
            self.begun = True
            self.note("begun", seat)

    def _show(self, seat: Seat) -> None:
        """Tell one that it is in, with whom and by which way; when that is settled."""
        if self.growth.shows_later(seat.id):
            return
        peers = tuple(one.peer(seat) for one in self.inside if one is not seat)
        way = self.growth.media.way(seat.id, self._clock())
        seat.tell(m.Admitted(peers, way.ice, way.relay, self.resume(seat), way.sfu))

    def _knock(self) -> None:
        self.tell_hosts(m.Knocks(tuple(seat.waiter() for seat in self.waiting)))

    def _gone(self, seat: Seat) -> None:
        del self.seats[seat.id]
        self.growth.forget(seat.id)
        if seat.held.admitted:
            self.tell_others(seat, m.Left(seat.id))
            self._presences.end(seat.id, seat.away or self._clock())
            self.look_at_recording()
            self._stir()
            if self.begun:
                self.note("left", seat)
        else:
            self._knock()
