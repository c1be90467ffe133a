"""LiveKit's RoomService: Twirp, which is JSON by POST. Four calls of it, each with a token for that
call alone; answers are bounded in time and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from careplane.kernel.clock import Clock
from careplane.telehealth.visits.media.livekit.grants import Grants
from careplane.telehealth.visits.media.port import Unreachable

if TYPE_CHECKING:
    import httpx

_SECONDS = 3.0
_LARGEST = 1_000_000
_EMPTY_SECONDS = 300
"""How long LiveKit keeps a room that nobody comes to, and one that all have left."""
_LEFT_SECONDS = 60


class _There(msgspec.Struct):
    identity: str = ""


class _Participants(msgspec.Struct):
    participants: list[_There] = []


class Calls:
    """To the server at `base` (http or https)."""

    def __init__(
        self,
        base: str,
        grants: Grants,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = base.rstrip("/")
        self._grants = grants
        self._clock = clock
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def create(self, room: str, most: int) -> None:
        """Nothing changes where it is there. Raises Unreachable, as all of these."""
        asked = {
            "name": room,
            "maxParticipants": most,
            "emptyTimeout": _EMPTY_SECONDS,
            "departureTimeout": _LEFT_SECONDS,
        }
        await self._call("CreateRoom", self._grants.create(self._clock()), asked)

    async def there(self, room: str) -> list[str]:
        """The identities of those who are in it."""
        token = self._grants.govern(room, self._clock())
        answer = await self._call("ListParticipants", token, {"room": room})
        try:
            found = msgspec.json.decode(answer or b"{}", type=_Participants)
        except msgspec.MsgspecError as error:
            raise Unreachable("The LiveKit server answers in another way than LiveKit.") from error
        return [one.identity for one in found.participants]

    async def remove(self, room: str, identity: str) -> None:
        """Put somebody out; nothing where nobody of this name is in."""
        token = self._grants.govern(room, self._clock())
        await self._call("RemoveParticipant", token, {"room": room, "identity": identity})

    async def delete(self, room: str) -> None:
        """Put everybody out; nothing where there is no such room."""
        await self._call("DeleteRoom", self._grants.create(self._clock()), {"room": room})

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _call(self, name: str, token: str, asked: dict[str, Any]) -> bytes:
        """The answer's body; empty where what is asked about is not there."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=_SECONDS, trust_env=False, transport=self._transport
            )
        url = f"{self._base}/twirp/livekit.RoomService/{name}"
        headers = {"authorization": f"Bearer {token}"}
        try:
            async with self._client.stream("POST", url, json=asked, headers=headers) as answer:
                body = await _bounded(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(f"The LiveKit server did not answer {name}.") from error
        if answer.status_code == 404 and b'"not_found"' in body:
            return b""
        if answer.status_code != 200:
            raise Unreachable(f"The LiveKit server answered {name} by {answer.status_code}.")
        return body


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for some in answer.aiter_bytes():
        body += some
        if len(body) > _LARGEST:
            raise Unreachable("The LiveKit server answers at too great a length.")
    return bytes(body)
