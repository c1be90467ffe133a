"""What is said by mail or text message, which are no secure channels: that there is something to
read, and nothing of whom, from whom or about what. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from careplane.fhir.tree import Tree
from careplane.telehealth.scheduling.notices.channel import Message
from careplane.telehealth.scheduling.notices.letters import Sender, address_of
from careplane.words.audience import Audience, speaking
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark
from careplane.words.patients import language_of

Kind = Literal["message", "late-message", "late-consult"]
_SUBJECTS: dict[Kind, str] = {
    "message": mark("You have a new message"),
    "late-message": mark("A message waits for an answer"),
    "late-consult": mark("A consult is late"),
}
_SENTENCES: dict[Kind, str] = {
    "message": mark("There is a new message for you. Sign in to read it."),
    "late-message": mark("A patient has waited long for an answer. Sign in to give it."),
    "late-consult": mark("A consult was not answered by the promised time. Sign in to answer."),
}


def letter(
    kind: Kind, to: Tree, sender: Sender, now: int
) -> Iterator[tuple[Literal["email", "sms"], Message]]:
    """By mail, or else by text message, as far as a person or a pool has an address; nothing to one
    who has died."""
    if to.get("deceasedBoolean") or "deceasedDateTime" in to:
        return
    with speaking(Audience(language_of(to))):
        subject, text = _(_SUBJECTS[kind]), _(_SENTENCES[kind])
    where = f"\n\n{sender.base.removesuffix('/fhir')}" if sender.base else ""
    signed = f"\n\n{sender.name}" if sender.name else ""
    if address := address_of(to, "email", now):
        yield "email", Message(address, subject, f"{text}{where}{signed}\n")
    elif number := address_of(to, "sms", now):
        yield "sms", Message(number, subject, f"{sender.name}: {text}" if sender.name else text)
