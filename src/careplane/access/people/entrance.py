"""How people prove who they are: a passkey, or a password with a code.

Whatever is wrong, the words are the same, the steps are as many, and a password is checked whether
there is one or not, so that nobody learns who has an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from careplane.access.people import codes, passkeys
from careplane.access.people.codes import Sealer
from careplane.access.people.once import Challenges
from careplane.access.people.passkeys import Answer, Site
from careplane.access.people.passwords import Passwords
from careplane.access.people.proofs import Book, Passkey, Proofs
from careplane.access.people.refusal import NotProven, SlowDown
from careplane.access.people.registry import NOBODY, Users
from careplane.access.people.session import Session
from careplane.access.people.throttle import CODE, Devices, Throttle, keys, noise
from careplane.access.people.user import User
from careplane.access.people.visitor import Visitor
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Unsupported
from careplane.storage.ports.records import Tenant

PASSKEY = ("pop", "user", "mfa")
PASSWORD = ("pwd", "otp", "mfa")
"""What `amr` says (RFC 8176)."""
_SIGN_IN, _CONFIRM = "sign-in", "confirm"
_NO_PASSKEY = "This passkey is not known here, or not any more."


@dataclass(frozen=True, slots=True)
class Proven:
    """Who it is, and by what."""

    user: User
    amr: tuple[str, ...]


class Entrance:
    """Raises NotProven, or SlowDown where too much has failed."""

    def __init__(
        self,
        users: Users,
        book: Book,
        passwords: Passwords,
        sealer: Sealer,
        challenges: Challenges,
        throttle: Throttle,
        devices: Devices,
        clock: Clock,
    ) -> None:
        self._users = users
        self._book = book
        self._passwords = passwords
        self._sealer = sealer
        self._challenges = challenges
        self._throttle = throttle
        self.devices = devices
        self._clock = clock

    def failed(self, visitor: Visitor) -> None:
        """Count a failure that was no guess at a password, once it has failed: who proves who he is
        gets in, whatever others do. Raises SlowDown where there were too many from there."""
        self._throttle.begin(noise(visitor.address))

    def passkey_options(self, visitor: Visitor, session: Session | None = None) -> dict[str, Any]:
        """What the browser asks an authenticator: for whoever signs in, or for who is signed in to
        confirm that he still is there."""
        purpose = (_CONFIRM, session.key) if session else (_SIGN_IN, "")
        return passkeys.request(site_of(visitor), self._challenges.make(*purpose))

    async def by_passkey(
        self, text: str, visitor: Visitor, session: Session | None = None
    ) -> Proven:
        """The user whose authenticator answered; with `session`, its user and nobody else."""
        site = site_of(visitor)
        answer = passkeys.read(text)
        purpose = (_CONFIRM, session.key) if session else (_SIGN_IN, "")
        self._challenges.check(answer.challenge, *purpose)
        tenant, id = answer.owner
        if session and (session.tenant, session.user) != (tenant, id):
            raise NotProven("passkey of another user", _NO_PASSKEY)
        user = await self._users.find(Tenant(tenant), id or NOBODY)
        proofs = await self._book.get(Tenant(tenant), id or NOBODY)
        _proven(answer, site, proofs)
        if user is None or user.disabled:
            raise NotProven(f"disabled {id}", _NO_PASSKEY)
        await self._challenges.use(answer.challenge)
        now = self._clock()

        def counted(kept: Proofs) -> Proofs:
            count = _proven(answer, site, kept)
            then = (
                replace(one, count=count, used=now) if one.id == answer.id else one
                for one in kept.passkeys
            )
            return replace(kept, passkeys=tuple(then))

        await self._book.change(Tenant(tenant), id, counted)
        return Proven(user, PASSKEY)

    async def by_password(
        self,
        tenant: Tenant,
        login: str,
        password: str,
        code: str,
        visitor: Visitor,
    ) -> Proven:
        """The user of a login, by the password and a code of the app or of those for recovery."""
        device = self.devices.known(visitor.device, tenant, login)
        counted = keys(visitor.address, tenant, login, device)
        self._throttle.begin(counted)
        user = await self._users.by_login(tenant, login)
        id = user.id if user else NOBODY
        proofs = await self._book.get(tenant, id)
        if not await self._passwords.matches(password, proofs.password):
            raise NotProven(f"password {id}")
        if user is None or user.disabled:
            raise NotProven(f"disabled {id}")
        await self._code(user, proofs, code, device)
        self._throttle.succeeded(counted)
        return Proven(user, PASSWORD)

    async def _code(self, user: User, proofs: Proofs, code: str, device: str) -> None:
        """Use a code up. Who has found the password must not find the code by trying from many
        places, so tries are counted by account here: only who has the password can stop others
        with it, and not those in whose browser the account signed in before."""
        counted = ((f"code {user.tenant} {user.id} {device}", CODE),)
        try:
            self._throttle.begin(counted)
        except SlowDown:
            raise NotProven(f"too many codes {user.id}") from None
        now = self._clock() // 1_000_000
        tenant = Tenant(user.tenant)
        digest = self._sealer.digest(code, purpose(user))
        secret = self._sealer.opened(proofs.app, purpose(user)).decode() if proofs.app else ""

        def used(kept: Proofs) -> Proofs:
            if digest in kept.recovery:
                left = tuple(one for one in kept.recovery if one != digest)
                return replace(kept, recovery=left)
            step = codes.step_of(secret, code, now, kept.step) if secret else None
            if step is None or kept.app != proofs.app:
                raise NotProven(f"code {user.id}")
            return replace(kept, step=step)

        await self._book.change(tenant, user.id, used)
        self._throttle.succeeded(counted)


def site_of(visitor: Visitor) -> Site:
    """Where passkeys are good. Raises Unsupported where they are not."""
    if visitor.site is None:
        raise Unsupported(
            "Passkeys need to know this server's address: its operator sets CAREPLANE_BASE_URL."
        )
    return visitor.site


def purpose(user: User) -> str:
    """What the secrets of a user are sealed for."""
    return f"people/{user.tenant}/{user.id}"


def _proven(answer: Answer, site: Site, proofs: Proofs) -> int:
    """The count that the passkey says, if it is one of these."""
    passkey: Passkey | None = next((p for p in proofs.passkeys if p.id == answer.id), None)
    if passkey is None:
        raise NotProven("passkey unknown", _NO_PASSKEY)
    return passkeys.proven(answer, site, passkey)
