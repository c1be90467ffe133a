"""How people set up by what they sign in: passkeys, a password with an authenticator app, recovery
codes. An invitation lets one who has nothing yet begin; later it is done in a session, freshly
proven."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from careplane.access.people import codes, passkeys, passwords
from careplane.access.people.codes import Sealer
from careplane.access.people.entrance import PASSKEY, PASSWORD, Proven, purpose, site_of
from careplane.access.people.invitations import Invitations
from careplane.access.people.once import Challenges
from careplane.access.people.passwords import Passwords
from careplane.access.people.proofs import Book, Passkey, Proofs
from careplane.access.people.refusal import NotProven
from careplane.access.people.registry import Users
from careplane.access.people.user import User
from careplane.access.people.visitor import Visitor
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Fault, Incorrect, NotFound
from careplane.storage.ports.records import Tenant

_REGISTER = "register"
_MOST_PASSKEYS, _MOST_NAME = 20, 64


class App(NamedTuple):
    """The secret of an authenticator app that is being set up: as people type it, as an app reads
    it, and sealed, as it goes to the page and comes back."""

    secret: str
    address: str
    sealed: str


class Enrolment:
    """Raises NotProven for an invitation or an answer that is not good, Incorrect for what the
    person may mend."""

    def __init__(
        self,
        users: Users,
        book: Book,
        invitations: Invitations,
        passwords: Passwords,
        sealer: Sealer,
        challenges: Challenges,
        clock: Clock,
    ) -> None:
        self._users = users
        self._book = book
        self._invitations = invitations
        self._passwords = passwords
        self._sealer = sealer
        self._challenges = challenges
        self._clock = clock

    async def invited(self, code: str) -> User:
        """Whom an invitation is for; it is not used by looking."""
        tenant, id = await self._invitations.find(code)
        user = await self._users.find(tenant, id)
        if user is None or user.disabled:
            raise NotProven("invitation of nobody", "This invitation is over.")
        return user

    async def proofs(self, user: User) -> Proofs:
        """By what the user signs in now."""
        return await self._book.get(Tenant(user.tenant), user.id)

    async def passkey_options(self, user: User, subject: str, visitor: Visitor) -> dict[str, Any]:
        """What the browser asks an authenticator to make. `subject` is the session or the
        invitation under which it is asked."""
        have = (await self.proofs(user)).passkeys
        challenge = self._challenges.make(_REGISTER, subject)
        return passkeys.creation(site_of(visitor), user, challenge, have)

    async def add_passkey(
        self, user: User, subject: str, text: str, name: str, visitor: Visitor, invitation: str = ""
    ) -> Proven:
        """Keep the passkey that an authenticator has made; with an invitation, use that up."""
        answer = passkeys.read(text)
        self._challenges.check(answer.challenge, _REGISTER, subject)
        called = _called(name)
        made = passkeys.registered(answer, site_of(visitor), called, self._clock())
        await self._challenges.use(answer.challenge)
        if invitation:
            await self._invitations.use(invitation)

        def added(kept: Proofs) -> Proofs:
            if any(one.id == made.id for one in kept.passkeys):
                raise Conflict("This passkey is set up already.")
            if len(kept.passkeys) >= _MOST_PASSKEYS:
                raise Incorrect(f"There may be {_MOST_PASSKEYS} passkeys; remove one first.")
            return replace(kept, passkeys=(*kept.passkeys, made))

        await self._book.change(Tenant(user.tenant), user.id, added)
        return Proven(user, PASSKEY)

    async def rename_passkey(self, user: User, id: bytes, name: str) -> None:
        """Call one otherwise. Raises NotFound."""
        called = _called(name)

        def renamed(kept: Proofs) -> Proofs:
            _own(kept, id)
            then = (replace(p, name=called) if p.id == id else p for p in kept.passkeys)
            return replace(kept, passkeys=tuple(then))

        await self._book.change(Tenant(user.tenant), user.id, renamed)

    async def remove_passkey(self, user: User, id: bytes) -> None:
        """Forget one, but not the last way in. Raises NotFound, Conflict."""

        def removed(kept: Proofs) -> Proofs:
            _own(kept, id)
            return _still(replace(kept, passkeys=tuple(p for p in kept.passkeys if p.id != id)))

        await self._book.change(Tenant(user.tenant), user.id, removed)

    def new_app(self, user: User) -> App:
        """A secret for an app. Nothing is kept until a code of it has come back."""
        secret = codes.new_secret()
        sealed = self._sealer.seal(secret.encode(), _pending(user))
        return App(secret, codes.address(secret, user.login, passkeys.NAME), sealed.hex())

    def shown_app(self, user: User, sealed: str) -> App:
        """The same again, from what came back. Raises Incorrect."""
        secret = self._opened(user, sealed)
        return App(secret, codes.address(secret, user.login, passkeys.NAME), sealed)

    async def set_password(
        self, user: User, password: str, sealed: str, code: str, invitation: str = ""
    ) -> tuple[str, ...]:
        """A password, an app that has shown a code, and recovery codes, which nobody sees again.
        What was there before is over."""
        passwords.check(password, user.login, user.name)
        secret = self._opened(user, sealed)
        now = self._clock() // 1_000_000
        step = codes.step_of(secret, code, now, 0)
        if step is None:
            raise Incorrect("This is not the code that the app shows now; wait for the next one.")
        kept = await self._passwords.kept(password)
        app = self._sealer.seal(secret.encode(), purpose(user))
        recovery = codes.recovery_codes()
        digests = tuple(self._sealer.digest(one, purpose(user)) for one in recovery)
        if invitation:
            await self._invitations.use(invitation)
        await self._book.change(
            Tenant(user.tenant),
            user.id,
            lambda now: replace(now, password=kept, app=app, step=step, recovery=digests),
        )
        return recovery

    async def remove_password(self, user: User) -> None:
        """Forget the password, the app and the recovery codes. Raises Conflict for the last way
        in."""
        await self._book.change(
            Tenant(user.tenant),
            user.id,
            lambda now: _still(replace(now, password="", app=b"", step=0, recovery=())),
        )

    async def new_recovery(self, user: User) -> tuple[str, ...]:
        """New recovery codes; the old ones are over. Raises Conflict where there is no password,
        beside which alone they count."""
        recovery = codes.recovery_codes()
        digests = tuple(self._sealer.digest(one, purpose(user)) for one in recovery)

        def renewed(kept: Proofs) -> Proofs:
            if not kept.password:
                raise Conflict(
                    "Recovery codes stand in for the app, beside a password; set one up."
                )
            return replace(kept, recovery=digests)

        await self._book.change(Tenant(user.tenant), user.id, renewed)
        return recovery

    def _opened(self, user: User, sealed: str) -> str:
        try:
            return self._sealer.opened(bytes.fromhex(sealed), _pending(user)).decode()
        except (Fault, ValueError):
            raise Incorrect("The page is too old; load it again.") from None


def proven_by_password(user: User) -> Proven:
    """Who has just set up a password and an app has shown both."""
    return Proven(user, PASSWORD)


def _pending(user: User) -> str:
    return f"{purpose(user)}/pending"


def _called(name: str) -> str:
    clean = "".join(c for c in name.strip() if c.isprintable())[:_MOST_NAME]
    return clean or "Passkey"


def _own(kept: Proofs, id: bytes) -> Passkey:
    found = next((one for one in kept.passkeys if one.id == id), None)
    if found is None:
        raise NotFound("There is no such passkey of yours.")
    return found


def _still(proofs: Proofs) -> Proofs:
    if not proofs.any:
        raise Conflict("This is the only way in that is left; set up another one first.")
    return proofs
