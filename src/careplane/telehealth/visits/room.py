"""The room of one visit, in the memory of one process: who sits where and who is told what.

No I/O and no waiting: it is told of comings, words and the time, writes to lines, and hands what
belongs into the record to `note`. The chat's last lines are here as long as somebody is, and
nowhere else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from msgspec.structs import replace

from careplane.kernel.clock import Clock
from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.presence import Presence
from careplane.telehealth.visits.recording import Recording
from careplane.telehealth.visits.tokens import RESUME_SECONDS, Pass, Resume, Seals
from careplane.telehealth.visits.turn import Ice

MOST_INSIDE, MOST_WAITING = 4, 8
GRACE = 60_000_000
"""Microseconds that a seat is kept for whose socket is gone."""
_LINES = 200
_UNSAID = 256
"""Messages that are kept for who is away; with more the seat is lost."""
OVER, REPLACED, PUT_OUT, RESTART = 1000, 4001, 4003, 1012


class Line(Protocol):
    """The way to one participant."""

    def send(self, message: bytes) -> None:
        """Queue a message; where too many are queued the line closes by itself."""

    def close(self, code: int) -> None:
        """After what is queued."""


@dataclass(slots=True, eq=False)
class Seat:
    """One participant. `line` is None while away, since `away`."""

    held: Pass
    line: Line | None = None
    away: int = 0
    unsaid: deque[bytes] = field(default_factory=deque)
    state: m.State = field(default_factory=m.State)

    @property
    def id(self) -> str:
        return self.held.seat

    @property
    def is_host(self) -> bool:
        return self.held.role == "host"

    def tell(self, message: object) -> None:
        """Now, or when the participant is back."""
        raw = m.told(message)
        if self.line is not None:
            self.line.send(raw)
        else:
            self.unsaid.append(raw)

    def waiter(self) -> m.Waiter:
        return m.Waiter(self.id, self.held.name, self.held.role)


Kind = Literal["arrived", "begun", "left", "ended", "kept", "recording"]


@dataclass(frozen=True, slots=True)
class Noted:
    """What belongs into the record, by whom; with everybody's presence so far."""

    kind: Kind
    by: Pass
    presences: tuple[Presence, ...]
    lines: tuple[m.Chatted, ...] = ()


Note = Callable[["Room", Noted], None]


class Room:
    """Of one visit. `note` must not wait."""

    def __init__(
        self,
        seals: Seals,
        ice: Ice,
        clock: Clock,
        note: Note,
        phone: str = "",
        *,
        records: bool = False,
    ) -> None:
        self._seals = seals
        self._ice = ice
        self._clock = clock
        self._note = note
        self._phone = phone
        self._records = records
        self._recording = Recording()
        self.seats: dict[str, Seat] = {}
        self._presences: dict[str, Presence] = {}
        self._before: list[Presence] = []
        self._chat: deque[m.Chatted] = deque(maxlen=_LINES)
        self._line = 0
        self._begun = False
        self._out: set[str] = set()
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
        crowd, most = (self.inside, MOST_INSIDE) if admitted else (self.waiting, MOST_WAITING)
        if self.over or len(crowd) >= most:
            line.send(m.told(m.Problem("full", "The room is full; try again later.")))
            line.close(OVER)
            return None
        seat = self.seats[held.seat] = Seat(replace(held, admitted=False), line)
        self._welcome(seat)
        if seat.held.role == "patient":
            self._tell_record("arrived", seat)
        if admitted:
            self._let_in(seat)
        else:
            self._knock()
        return seat

    def heard(self, seat: Seat, message: m.Heard) -> None:
        """Carry out what a participant says."""
        handler = _HANDLERS.get(type(message))
        if handler is None:
            seat.tell(m.Problem("state", "You have joined already."))
        elif isinstance(message, _FOR_HOSTS) and not seat.is_host:
            seat.tell(m.Problem("host", "Only who gives the visit may do that."))
        elif isinstance(message, _INSIDE) and not seat.held.admitted:
            seat.tell(m.Problem("state", "You have not been let in yet."))
        else:
            handler(self, seat, message)

    def dropped(self, seat: Seat, line: Line) -> None:
        """A line is gone. The seat stays for a while, unless it has another line by now."""
        if self.seats.get(seat.id) is not seat or seat.line is not line:
            return
        seat.line, seat.away = None, self._clock()
        if seat.held.admitted:
            self._others(seat, m.Away(seat.id))

    def tick(self) -> None:
        """Forget who did not come back, and close when the time is over."""
        now = self._clock()
        for seat in list(self.seats.values()):
            lost = len(seat.unsaid) > _UNSAID
            if seat.line is None and (lost or now - seat.away > GRACE):
                self._gone(seat)
        if self.seats and all(seat.held.until <= now for seat in self.seats.values()):
            self._finish(next(iter(self.seats.values())))

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

    def _returned(self, seat: Seat, held: Pass, line: Line) -> Seat:
        old, seat.line, seat.away = seat.line, line, 0
        if old is not None:
            old.close(REPLACED)
        seat.held = replace(seat.held, until=held.until)
        self._welcome(seat)
        unsaid, seat.unsaid = seat.unsaid, deque()
        for raw in unsaid:
            line.send(raw)
        if seat.held.admitted:
            self._show(seat)
            for other in self.inside:
                if other is not seat:
                    other.tell(m.Joined(_peer(seat, other)) if held.fresh else m.Back(seat.id))
            if self._recording.by:
                self._show_recording(seat)
        if seat.is_host:
            self._knock()
        return seat

    def _welcome(self, seat: Seat) -> None:
        held = seat.held
        resume = self._resume(seat)
        seat.tell(m.Welcome(seat.id, held.role, resume, held.until // 1000, self._phone))

    def _resume(self, seat: Seat) -> str:
        until = self._clock() + RESUME_SECONDS * 1_000_000
        return self._seals.seal(Resume(seat.held, until))

    def _let_in(self, seat: Seat) -> None:
        seat.held = replace(seat.held, admitted=True)
        now = self._clock()
        held = seat.held
        self._presences[seat.id] = Presence(held.who, held.name, held.role, now)
        self._show(seat)
        for other in self.inside:
            if other is not seat:
                other.tell(m.Joined(_peer(seat, other)))
        self._knock()
        self._look_at_recording()
        roles = {one.held.role for one in self.inside}
        if not self._begun and {"host", "patient"} <= roles:
            self._begun = True
            self._tell_record("begun", seat)

    def _show(self, seat: Seat) -> None:
        peers = tuple(_peer(one, seat) for one in self.inside if one is not seat)
        ice = self._ice.servers(seat.id, self._clock())
        seat.tell(m.Admitted(peers, ice, self._ice.only, self._resume(seat)))

    def _knock(self) -> None:
        self.tell_hosts(m.Knocks(tuple(seat.waiter() for seat in self.waiting)))

    def _others(self, seat: Seat, message: object) -> None:
        for other in self.inside:
            if other is not seat:
                other.tell(message)

    def _gone(self, seat: Seat) -> None:
        del self.seats[seat.id]
        if seat.held.admitted:
            self._others(seat, m.Left(seat.id))
            self._close_presence(seat)
            self._look_at_recording()
            if self._begun:
                self._tell_record("left", seat)
        else:
            self._knock()

    def _close_presence(self, seat: Seat) -> None:
        presence = self._presences.pop(seat.id, None)
        if presence is not None:
            self._before.append(replace(presence, end=seat.away or self._clock()))

    def _tell_record(
        self,
        kind: Kind,
        seat: Seat,
        lines: tuple[m.Chatted, ...] = (),
    ) -> None:
        presences = (*self._before, *self._presences.values())
        self._note(self, Noted(kind, seat.held, presences, lines))

    def _finish(self, by: Seat) -> None:
        self.over = True
        for seat in self.inside:
            self._close_presence(seat)
        if self._begun:
            self._tell_record("ended", by)
        for seat in self.seats.values():
            if seat.line is not None:
                seat.line.send(m.told(m.Ended()))
                seat.line.close(OVER)
        self.seats.clear()

    def _ping(self, seat: Seat, _: m.Ping) -> None:
        seat.tell(m.Pong(self._resume(seat)))

    def _signal(self, seat: Seat, message: m.Signal) -> None:
        other = self._peer_of(seat, message.to)
        if other is not None:
            other.tell(m.Signalled(seat.id, message.description, message.candidate))

    def _say(self, seat: Seat, message: m.Chat) -> None:
        self._line += 1
        at = self._clock() // 1000
        line = m.Chatted(self._line, seat.id, seat.held.name, message.text, at)
        self._chat.append(line)
        self.tell_all(line)

    def _keep(self, seat: Seat, message: m.Keep) -> None:
        wanted = set(message.lines)
        lines = tuple(line for line in self._chat if line.line in wanted)
        if len(lines) < len(wanted) or not self._begun:
            text = "These lines are here no longer, or the visit has not begun."
            seat.tell(m.Problem("nobody", text))
        else:
            self._tell_record("kept", seat, lines)

    def _shared(self, seat: Seat, message: m.Shared) -> None:
        self._others(seat, m.Filed(seat.id, message.document, message.title))

    def _state(self, seat: Seat, message: m.State) -> None:
        seat.state = message
        self._others(seat, m.Changed(seat.id, message))

    def _admit(self, seat: Seat, message: m.Admit) -> None:
        other = self.seats.get(message.seat)
        if other is None or other.held.admitted:
            seat.tell(m.Problem("nobody", "Nobody of this number waits."))
        elif len(self.inside) >= MOST_INSIDE:
            seat.tell(m.Problem("full", f"A visit has {MOST_INSIDE} participants at most."))
        else:
            self._let_in(other)

    def _remove(self, seat: Seat, message: m.Remove) -> None:
        other = self.seats.get(message.seat)
        if other is None or other is seat:
            seat.tell(m.Problem("nobody", "Nobody of this number is here."))
            return
        self._out.add(other.id)
        if other.line is not None:
            other.line.send(m.told(m.Ended()))
            other.line.close(PUT_OUT)
        self._gone(other)

    def _record(self, seat: Seat, message: m.Record) -> None:
        if not self._records:
            seat.tell(m.Problem("state", "Visits are not recorded here."))
        elif not self._begun:
            seat.tell(m.Problem("state", "The visit has not begun."))
        elif message.on:
            self._recording.ask(seat.id)
            self._look_at_recording(tell=True)
        else:
            self._recording.stop()
            self._look_at_recording(tell=True)

    def _agree(self, seat: Seat, message: m.Agree) -> None:
        if self._recording.by:
            self._recording.answer(seat.id, message.on)
            self._look_at_recording(tell=True)

    def _look_at_recording(self, *, tell: bool = False) -> None:
        """After somebody came, went or answered: tell how it stands, if that changed."""
        recording = self._recording
        inside = self.inside
        if recording.by and recording.by not in {one.id for one in inside}:
            recording.stop()
            tell = True
        due = recording.due(one.id for one in inside)
        begins, tell = due and not recording.on, tell or due != recording.on or bool(recording.by)
        recording.on = due
        if begins:
            host = next(one for one in inside if one.id == recording.by)
            self._tell_record("recording", host)
        if tell:
            for one in inside:
                self._show_recording(one)

    def _show_recording(self, seat: Seat) -> None:
        recording = self._recording
        asked = bool(recording.by) and seat.id not in recording.agreed
        seat.tell(m.Recording(recording.by, recording.on, asked))

    def _renew(self, seat: Seat, _: m.Ice) -> None:
        seat.tell(m.Relays(self._ice.servers(seat.id, self._clock())))

    def _leave(self, seat: Seat, _: m.Leave) -> None:
        self._out.add(seat.id)
        if seat.line is not None:
            seat.line.close(OVER)
        self._gone(seat)

    def _end(self, seat: Seat, _: m.End) -> None:
        self._finish(seat)

    def _peer_of(self, seat: Seat, id: str) -> Seat | None:
        other = self.seats.get(id)
        if other is None or other is seat or not other.held.admitted:
            seat.tell(m.Problem("nobody", "Nobody of this number is in the room."))
            return None
        return other


def _peer(one: Seat, seen_by: Seat) -> m.Peer:
    held = one.held
    polite = seen_by.id > one.id
    return m.Peer(one.id, held.name, held.role, polite, one.line is None, one.state)


_INSIDE = (
    m.Signal,
    m.Chat,
    m.Keep,
    m.Shared,
    m.State,
    m.Admit,
    m.Remove,
    m.Ice,
    m.End,
    m.Record,
    m.Agree,
)
_FOR_HOSTS = (m.Keep, m.Admit, m.Remove, m.Record, m.End)
_HANDLERS: dict[type, Callable[..., None]] = {
    m.Ping: Room._ping,
    m.Signal: Room._signal,
    m.Chat: Room._say,
    m.Keep: Room._keep,
    m.Shared: Room._shared,
    m.State: Room._state,
    m.Admit: Room._admit,
    m.Remove: Room._remove,
    m.Record: Room._record,
    m.Agree: Room._agree,
    m.Ice: Room._renew,
    m.Leave: Room._leave,
    m.End: Room._end,
}
