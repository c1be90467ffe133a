"""Through whom this installation sends mail."""

from __future__ import annotations

from careplane.app.settings import Settings
from careplane.kernel.mail import Mailbox


def mailbox_of(settings: Settings) -> Mailbox | None:
    """None where no mail server is set up."""
    if not settings.smtp_host:
        return None
    return Mailbox(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_from,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password,
    )
