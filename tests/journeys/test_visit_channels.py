"""Ways to reach a patient, each with a server of its own: mail, a web hook, Apprise."""

from __future__ import annotations

import email
import json
import socket
from collections.abc import Iterator
from email import policy
from typing import Any
from urllib.parse import unquote

import pytest
from aiosmtpd.controller import Controller
from icalendar import Calendar

from careplane.kernel.errors import Incorrect
from careplane.kernel.mail import Mailbox
from careplane.telehealth.scheduling.notices.channel import Message, Undelivered
from careplane.telehealth.scheduling.notices.channels.mail import Mail
from careplane.telehealth.scheduling.notices.channels.sms import Sms, checked
from careplane.telehealth.scheduling.notices.letters import Sender, address_of, letters
from tests.scheduling_house import NOW
from tests.subscription_house import receiving

pytestmark = pytest.mark.anyio
VISIT = {
    "resourceType": "Appointment",
    "id": "a",
    "status": "booked",
    "start": "2027-03-01T09:00:00+01:00",
    "end": "2027-03-01T09:30:00+01:00",
    "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
}
SENDER = Sender("https://clinic.example/fhir", "desk@clinic.example", "Clinic")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Letters:
    """A mail server that refuses an address."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[Letters, Mail]]:
    kept = Letters()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, Mail(Mailbox("127.0.0.1", port, "desk@clinic.example", "none"))
    controller.stop()


async def test_an_invitation_is_a_part_that_mail_programs_know(smtp: tuple[Letters, Mail]) -> None:
    kept, mail = smtp
    patient = {"telecom": [{"system": "email", "value": "p@example.org"}]}
    ((way, message),) = letters("booked", VISIT, 3, patient, SENDER, NOW)
    assert way == "email"
    await mail.send(message)
    parsed = email.message_from_bytes(kept.taken[0], policy=policy.default)
    text, part = parsed.iter_parts()
    assert "Monday, 1 March 2027, 09:00 (UTC+0100)" in text.get_content()
    assert "https://clinic.example" in text.get_content()
    assert part.get_content_type() == "text/calendar"
    assert part.get_param("method") == "REQUEST"
    calendar = Calendar.from_ical(part.get_content())
    (event,) = calendar.events
    assert (calendar["method"], event["sequence"]) == ("REQUEST", 3)
    assert event["attendee"].params["ROLE"] == "REQ-PARTICIPANT"


@pytest.mark.parametrize("to", ["nobody@example.org", "x\r\nBcc: everybody@example.org", ""])
async def test_a_mail_that_cannot_go_is_told_without_its_address(
    smtp: tuple[Letters, Mail], to: str
) -> None:
    kept, mail = smtp
    with pytest.raises(Undelivered) as caught:
        await mail.send(Message(to, "s", "t"))
    assert "example" not in str(caught.value)
    assert kept.taken == []


async def test_a_web_hook_gets_number_and_text_with_the_secret() -> None:
    async with receiving() as receiver:
        await Sms(receiver.url, "s3cret").send(Message("+49 (170) 000-0001", "", "Hello"))
    ((_, headers, body),) = receiver.requests
    assert headers["authorization"] == "Bearer s3cret"
    assert json.loads(body) == {"to": "+491700000001", "text": "Hello"}


async def test_a_web_hook_that_refuses_or_is_away_is_told() -> None:
    async with receiving(lambda number: 500) as receiver:
        with pytest.raises(Undelivered, match="500"):
            await Sms(receiver.url).send(Message("+491700000001", "", "Hello"))
    with pytest.raises(Undelivered, match="not reached"):
        await Sms(receiver.url).send(Message("+491700000001", "", "Hello"))
    with pytest.raises(Undelivered, match="none that a message"):
        await Sms(receiver.url).send(Message("call me", "", "Hello"))


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
async def test_apprise_is_asked_for_whatever_it_knows() -> None:
    pytest.importorskip("apprise")
    async with receiving() as receiver:
        address = f"json://127.0.0.1:{receiver.port}/sms/{{to}}"
        await Sms(checked(address)).send(Message("+491700000001", "", "Hello"))
    ((first, _, body),) = receiver.requests
    assert "/sms/+491700000001" in unquote(first)
    assert json.loads(body)["message"] == "Hello"
    with pytest.raises(Undelivered, match="does not know"):
        await Sms("nothing://{to}").send(Message("+491700000001", "", "Hello"))


@pytest.mark.parametrize("address", ["twilio://SID:TOKEN@+1555", "somewhere", "{to}"])
def test_an_address_that_cannot_be_used_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(Incorrect, match="CAREPLANE_SMS_URL"):
        checked(address)


@pytest.mark.parametrize(
    "died", [{"deceasedBoolean": True}, {"deceasedDateTime": "2027-01-01"}, {}]
)
def test_who_has_died_gets_no_letters(died: dict[str, Any]) -> None:
    patient = {"telecom": [{"system": "email", "value": "p@example.org"}], **died}
    assert len(list(letters("reminder", VISIT, 1, patient, SENDER, NOW))) == (0 if died else 1)


ADDRESSES: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "the one there is": ([{"system": "email", "value": "a@x"}], "a@x", ""),
    "by rank": (
        [{"system": "email", "value": "b@x", "rank": 2},
         {"system": "email", "value": "a@x", "rank": 1}], "a@x", "",
    ),
    "not an old one": ([{"system": "email", "value": "a@x", "use": "old"}], "", ""),
    "not one that has ended": (
        [{"system": "email", "value": "a@x", "period": {"end": "2026"}}], "", "",
    ),
    "a mobile phone": ([{"system": "phone", "use": "mobile", "value": "1"}], "", "1"),
    "not a phone at home": ([{"system": "phone", "use": "home", "value": "1"}], "", ""),
    "a number for texts": ([{"system": "sms", "value": "1"}], "", "1"),
}  # fmt: skip


@pytest.mark.parametrize("name", ADDRESSES)
def test_where_a_patient_is_reached(name: str) -> None:
    telecom, mail, number = ADDRESSES[name]
    assert address_of({"telecom": telecom}, "email", NOW) == mail
    assert address_of({"telecom": telecom}, "sms", NOW) == number
