"""Mail through one SMTP server, with the invitation as a part of its own (RFC 6047)."""

from __future__ import annotations

from email.message import EmailMessage

from careplane.kernel.mail import Mailbox, NotTaken, addressed, post
from careplane.telehealth.scheduling.notices.channel import Message, Undelivered

_SECONDS = 20.0


class Mail:
    """Sends through one mail server."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def send(self, message: Message) -> None:
        """Accepted when the mail server has taken it."""
        try:
            await post(self._mailbox, letter(self._mailbox.sender, message), _SECONDS)
        except NotTaken as error:
            raise Undelivered(str(error)) from None


def letter(sender: str, message: Message) -> EmailMessage:
    """The mail. Raises NotTaken for an address that cannot be one."""
    mail = addressed(sender, message.to, message.subject)
    mail.set_content(message.text)
    if message.calendar:
        mail.add_alternative(
            message.calendar.decode(),
            subtype="calendar",
            params={"method": message.method},
        )
    return mail
