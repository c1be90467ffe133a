"""Mail through one SMTP server, with the invitation as a part of its own (RFC 6047)."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from msgspec import Struct

from careplane.telehealth.scheduling.notices.channel import Message, Undelivered

_SECONDS = 20.0


class Server(Struct, frozen=True):
    """The server that mail is handed to."""

    host: str
    port: int
    sender: str
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""


class Mail:
    """Sends through one mail server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def send(self, message: Message) -> None:
        """Accepted when the mail server has taken it."""
        import aiosmtplib

        server = self._server
        try:
            await aiosmtplib.send(
                letter(server.sender, message),
                hostname=server.host,
                port=server.port,
                username=server.user or None,
                password=server.password or None,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                timeout=_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Undelivered(f"The mail was not taken: {type(error).__name__}.") from None


def letter(sender: str, message: Message) -> EmailMessage:
    """The mail. Raises ValueError for an address that would break out of its header."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    if message.calendar:
        mail.add_alternative(
            message.calendar.decode(),
            subtype="calendar",
            params={"method": message.method},
        )
    return mail
