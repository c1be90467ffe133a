"""email: a short text that something has happened (backport 1.1, Channels, Email).

Mail is no secure channel, so it never holds anybody's data: the name of the subscription, the
number of the event, and where to ask for more, with a credential.
"""

from __future__ import annotations

from email.message import EmailMessage

from careplane.interop.subscriptions.channel import Notification, Undelivered
from careplane.interop.subscriptions.subscription import Subscription
from careplane.kernel.mail import Mailbox, NotTaken, addressed, post

_SUBJECT = {
    "handshake": "A subscription begins",
    "heartbeat": "A subscription is alive",
    "event-notification": "Something has happened that you wait for",
}


class Email:
    """Sends through one mail server."""

    def __init__(self, mailbox: Mailbox, base: str) -> None:
        self._mailbox = mailbox
        self._base = base

    async def send(self, subscription: Subscription, notification: Notification) -> None:
        """Accepted when the mail server has taken it."""
        box = self._mailbox
        try:
            mail = letter(self._base, box.sender, subscription, notification)
            await post(box, mail, subscription.timeout)
        except NotTaken as error:
            raise Undelivered(str(error)) from None


def letter(
    base: str, sender: str, subscription: Subscription, notification: Notification
) -> EmailMessage:
    """The mail. Raises NotTaken for an address that cannot be one."""
    mail = addressed(sender, subscription.endpoint, _SUBJECT[notification.type])
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
