"""What pages need to let apps act for people: the authorization server without its pages, this
server's address, and a seal for the consent screen."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from careplane.access.smart.launch.asking import Place
from careplane.access.smart.launch.authorization import Authorization
from careplane.access.smart.people import SignedIn
from careplane.rest.addressing import Addressing
from careplane.rest.oauth.addresses import addresses


@dataclass(frozen=True)
class Apps:
    """`key` is 32 secret bytes."""

    authorization: Authorization
    addressing: Addressing
    key: bytes

    def place(self, request: Request) -> Place:
        """Where this server is, as far as that is known."""
        base = self.addressing.base(request.scope, dict(request.scope["headers"]))
        return addresses(self.addressing, base).place

    async def who(self, request: Request) -> SignedIn | None:
        """Who sits at the browser."""
        return await self.authorization.people.who(request.cookies)

    def seal(self, person: SignedIn, ask: str, patient: str) -> str:
        """What a consent form must bring back: nobody but this server can make it, and it is good
        for this session, this request and this patient only."""
        said = "\0".join((str(int(person.tenant)), person.id, person.session, patient, ask))
        return hmac.digest(self.key, said.encode("utf-8", "surrogatepass"), sha256).hex()

    def is_sealed(self, seal: str, person: SignedIn, ask: str, patient: str) -> bool:
        """Whether a form brings that back."""
        return hmac.compare_digest(seal.encode(), self.seal(person, ask, patient).encode())
