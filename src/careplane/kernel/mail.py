"""Mail that this server sends, handed to one mail server (SMTP, RFC 5321)."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from msgspec import Struct


class Mailbox(Struct, frozen=True):
    """The server that mail is handed to."""

    host: str
    port: int
    sender: str
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""


class NotTaken(Exception):
    """The server did not take it; the text says why, without an address."""


def addressed(sender: str, to: str, subject: str) -> EmailMessage:
    """A mail without content, that no machine should answer (RFC 3834). Raises NotTaken for an
    address or a subject that would break out of its header."""
    mail = EmailMessage()
    try:
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    except ValueError:
        raise NotTaken("The mail was not taken: it cannot be addressed so.") from None
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    mail["Auto-Submitted"] = "auto-generated"
    return mail


async def post(mailbox: Mailbox, mail: EmailMessage, seconds: float) -> None:
    """Returns when the server has taken it, within so many seconds. Raises NotTaken."""
    import aiosmtplib  # with the first mail

    try:
        await aiosmtplib.send(
            mail,
            hostname=mailbox.host,
            port=mailbox.port,
            username=mailbox.user or None,
            password=mailbox.password or None,
            use_tls=mailbox.security == "tls",
            start_tls=mailbox.security == "starttls",
            timeout=seconds,
        )
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise NotTaken(f"The mail was not taken: {type(error).__name__}.") from None
