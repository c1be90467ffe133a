"""When a visit is recorded: law over any order of comings, goings and answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from careplane.telehealth.visits.recording import Recording

SEATS = ("a", "b", "c", "d")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("come", "go", "ask", "agree", "refuse", "stop")), st.sampled_from(SEATS)
    ),
    max_size=30,
)


@given(STEPS)
def test_on_only_while_everybody_in_the_room_agrees(steps: list[tuple[str, str]]) -> None:
    recording, inside = Recording(), set[str]()
    said: dict[str, bool] = {}
    for what, seat in steps:
        if what == "come":
            inside.add(seat)
        elif what == "go":
            inside.discard(seat)
        elif what == "ask" and seat in inside:
            recording.ask(seat)
            said = {seat: True}
        elif what == "agree" and recording.by:
            recording.answer(seat, agrees=True)
            said[seat] = True
        elif what == "refuse" and recording.by:
            recording.answer(seat, agrees=False)
            said = {}
        elif what == "stop":
            recording.stop()
            said = {}
        if recording.due(inside):
            assert inside
            assert all(said.get(one) for one in inside)
            assert recording.by in inside
        elif recording.by in inside:
            assert any(not said.get(one) for one in inside)
