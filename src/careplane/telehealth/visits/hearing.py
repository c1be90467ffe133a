"""What becomes of the words of a participant: a row for each, and who may say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careplane.telehealth.visits import messages as m
from careplane.telehealth.visits.room import Room
from careplane.telehealth.visits.seats import Seat


def hear(room: Room, seat: Seat, message: m.Heard, *, records: bool = False) -> None:
    """Carry it out, or tell the participant why not. `records`: whether the institution permits
    that visits are recorded."""
    handler = _HANDLERS.get(type(message))
    if handler is None:
        seat.tell(m.Problem("state", "You have joined already."))
    elif isinstance(message, _FOR_HOSTS) and not seat.is_host:
        seat.tell(m.Problem("host", "Only who gives the visit may do that."))
    elif isinstance(message, _INSIDE) and not seat.held.admitted:
        seat.tell(m.Problem("state", "You have not been let in yet."))
    elif isinstance(message, m.Record) and not records:
        seat.tell(m.Problem("state", "Visits are not recorded here."))
    else:
        handler(room, seat, message)


def _ping(room: Room, seat: Seat, _: m.Ping) -> None:
    seat.tell(m.Pong(room.resume(seat)))


def _signal(room: Room, seat: Seat, message: m.Signal) -> None:
    other = room.seats.get(message.to)
    if other is None or other is seat or not other.held.admitted:
        seat.tell(m.Problem("nobody", "Nobody of this number is in the room."))
    else:
        other.tell(m.Signalled(seat.id, message.description, message.candidate))


def _say(room: Room, seat: Seat, message: m.Chat) -> None:
    room.tell_all(room.chat.add(seat.id, seat.held.name, message.text, room.now()))


def _keep(room: Room, seat: Seat, message: m.Keep) -> None:
    lines = room.chat.chosen(message.lines)
    if lines is None or not room.begun:
        text = "These lines are here no longer, or the visit has not begun."
        seat.tell(m.Problem("nobody", text))
    else:
        room.note("kept", seat, lines)


def _shared(room: Room, seat: Seat, message: m.Shared) -> None:
    room.tell_others(seat, m.Filed(seat.id, message.document, message.title))


def _state(room: Room, seat: Seat, message: m.State) -> None:
    seat.state = message
    room.tell_others(seat, m.Changed(seat.id, message))


def _admit(room: Room, seat: Seat, message: m.Admit) -> None:
    other = room.seats.get(message.seat)
    if other is None or other.held.admitted or other.id in room.growth.pending:
        seat.tell(m.Problem("nobody", "Nobody of this number waits."))
    elif room.is_full:
        seat.tell(m.Problem("full", f"A visit has {room.growth.most} participants at most."))
    else:
        room.admit(other)


def _remove(room: Room, seat: Seat, message: m.Remove) -> None:
    other = room.seats.get(message.seat)
    if other is None or other is seat:
        seat.tell(m.Problem("nobody", "Nobody of this number is here."))
    else:
        room.remove(other)


def _record(room: Room, seat: Seat, message: m.Record) -> None:
    if not room.begun:
        seat.tell(m.Problem("state", "The visit has not begun."))
        return
    if message.on:
        room.recording.ask(seat.id)
    else:
        room.recording.stop()
    room.look_at_recording(tell=True)


def _agree(room: Room, seat: Seat, message: m.Agree) -> None:
    if room.recording.by:
        room.recording.answer(seat.id, message.on)
        room.look_at_recording(tell=True)


def _renew(room: Room, seat: Seat, _: m.Ice) -> None:
    room.renew(seat)


def _leave(room: Room, seat: Seat, _: m.Leave) -> None:
    room.leave(seat)


def _end(room: Room, seat: Seat, _: m.End) -> None:
    room.finish(seat)


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
_HANDLERS: dict[type, Callable[[Room, Seat, Any], None]] = {
    m.Ping: _ping,
    m.Signal: _signal,
    m.Chat: _say,
    m.Keep: _keep,
    m.Shared: _shared,
    m.State: _state,
    m.Admit: _admit,
    m.Remove: _remove,
    m.Record: _record,
    m.Agree: _agree,
    m.Ice: _renew,
    m.Leave: _leave,
    m.End: _end,
}
