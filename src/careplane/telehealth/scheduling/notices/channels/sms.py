"""Text messages: through a web hook, or any service that Apprise knows.

A web hook (`https://…`) gets a POST of `{"to": "+49…", "text": "…"}` with the secret as a bearer
token, and takes it by any 2xx. Other addresses are those of Apprise, with `{to}` where the number
goes, such as `twilio://SID:TOKEN@+1555/{to}`; they need `careplane[sms]`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from careplane.kernel.errors import Incorrect
from careplane.telehealth.scheduling.notices.channel import Message, Undelivered

if TYPE_CHECKING:
    from apprise import Apprise

_NUMBER = re.compile(r"\+?[0-9]{4,17}", re.ASCII)
_SECONDS = 20.0


def checked(address: str) -> str:
    """The address of the settings. Raises Incorrect for one that cannot be used."""
    if re.match(r"https?://", address) or ("{to}" in address and "://" in address):
        return address
    raise Incorrect(
        "CAREPLANE_SMS_URL is a web hook (https://…), or an address of Apprise with {to} where "
        "the number goes."
    )


class Sms:
    """Sends to one service."""

    def __init__(self, address: str, secret: str = "") -> None:
        self._address = address
        self._secret = secret

    async def send(self, message: Message) -> None:
        """Accepted when the service has taken it."""
        number = re.sub(r"[\s()./-]", "", message.to)
        if not _NUMBER.fullmatch(number):
            raise Undelivered("The number is none that a message can be sent to.")
        if re.match(r"https?://", self._address):
            await self._post(number, message.text)
        else:
            await self._notify(number, message.text)

    async def _post(self, number: str, text: str) -> None:
        import httpx

        headers = {"authorization": f"Bearer {self._secret}"} if self._secret else {}
        try:
            async with httpx.AsyncClient(timeout=_SECONDS) as client:
                answer = await client.post(
                    self._address, json={"to": number, "text": text}, headers=headers
                )
        except httpx.HTTPError as error:
            raise Undelivered(f"The service was not reached: {type(error).__name__}.") from None
        if not answer.is_success:
            raise Undelivered(f"The service answered {answer.status_code}.")

    async def _notify(self, number: str, text: str) -> None:
        address = self._address.replace("{to}", quote(number, safe=""))
        service = await asyncio.to_thread(_service, address)
        if not await service.async_notify(body=text):
            raise Undelivered("The service did not take it.")


def _service(address: str) -> Apprise:
    """Reads what Apprise knows, which takes seconds at first."""
    try:
        import apprise
    except ImportError:
        raise Undelivered("Apprise is missing: pip install 'careplane[sms]'.") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it logs numbers and texts
    service = apprise.Apprise()
    if not service.add(address):
        raise Undelivered("Apprise does not know this address.")
    return service
