"""email: a short text that something has happened (backport 1.1, Channels, Email).

Mail is no secure channel, so it never holds anybody's data: the name of the subscription, the
number of the event, and where to ask for more, with a credential.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from msgspec import Struct

from careplane.interop.subscriptions.channel import Notification, Undelivered
from careplane.interop.subscriptions.subscription import Subscription

_SUBJECT = {
    "handshake": "A subscription begins",
    "heartbeat": "A subscription is alive",
    "event-notification": "Something has happened that you wait for",
}


class Mailbox(Struct, frozen=True):
    """The server that mail is handed to."""

    host: str
    port: int
    sender: str
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""


class Email:
    """Sends through one mail server."""

    def __init__(self, mailbox: Mailbox, base: str) -> None:
        self._mailbox = mailbox
        self._base = base

    async def send(self, subscription: Subscription, notification: Notification) -> None:
        """Accepted when the mail server has taken it."""
        import aiosmtplib

        box = self._mailbox
        try:
            await aiosmtplib.send(
                letter(self._base, box.sender, subscription, notification),
                hostname=box.host,
                port=box.port,
                username=box.user or None,
                password=box.password or None,
                use_tls=box.security == "tls",
                start_tls=box.security == "starttls",
                timeout=subscription.timeout,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Undelivered(f"The mail was not taken: {type(error).__name__}.") from None


def letter(
    base: str, sender: str, subscription: Subscription, notification: Notification
) -> EmailMessage:
    """The mail."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = subscription.endpoint
    mail["Subject"] = _SUBJECT[notification.type]
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    mail["Auto-Submitted"] = "auto-generated"
    text = _text(f"{base}/Subscription/{subscription.id}", notification)
    mail.set_content(text, cte="7bit")  # so that a long address stays in one piece
    return mail


def _text(url: str, notification: Notification) -> str:
    first, last = notification.numbers
    lines = [f"Subscription: {url}", f"This is a notification of type {notification.type}."]
    if last:
        numbers = str(first) if first == last else f"{first} to {last}"
        lines += [f"Event: {numbers}", f"More: {url}/$events?eventsSinceNumber={first}"]
    return "\n".join(lines) + "\n"
