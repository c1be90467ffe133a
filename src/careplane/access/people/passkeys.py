"""Passkeys: WebAuthn Level 2, registration (7.1) and authentication (7.2).

Credentials are discoverable, so that nobody says who he is before he proves it, and the person is
verified by the authenticator, so that one passkey is two factors. The library is read where it is
needed: it is large, and most processes see no passkey.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from careplane.access.people.proofs import Passkey
from careplane.access.people.refusal import NotProven
from careplane.access.people.user import User

NAME = "Careplane"
_NOT_GOOD = "This passkey could not be checked. Try again, or use another one."
_LONGEST = 16_384
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are good: the origin of the pages and its host, the relying party's id."""

    origin: str
    host: str


def site(base_url: str, host: str) -> Site | None:
    """The site of an installation that has been told its address; else that of loopback alone,
    since another name may be anybody's who sends it as the Host. None where there is no site."""
    url = urlsplit(base_url or f"http://{host}")
    name = url.hostname or ""
    local = name == "localhost" or name.endswith(".localhost")
    if not name or not (url.scheme == "https" or local):
        return None
    if ":" in name or name.replace(".", "").isdigit():
        return None  # an address has no passkeys
    return Site(f"{url.scheme}://{url.netloc}", name)


def handle(user: User) -> bytes:
    """How an authenticator names the user: tenant and id, neither of them personal."""
    return f"{user.tenant}/{user.id}".encode()


def creation(site: Site, user: User, challenge: bytes, have: tuple[Passkey, ...]) -> dict[str, Any]:
    """The options of navigator.credentials.create()."""
    import webauthn
    from webauthn.helpers import options_to_json_dict, structs

    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=NAME,
        user_name=user.login,
        user_id=handle(user),
        user_display_name=user.name,
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one.id) for one in have],
    )
    return options_to_json_dict(options)


def request(site: Site, challenge: bytes) -> dict[str, Any]:
    """The options of navigator.credentials.get(), for whoever it will be."""
    import webauthn
    from webauthn.helpers import options_to_json_dict, structs

    required = structs.UserVerificationRequirement.REQUIRED
    options = webauthn.generate_authentication_options(
        rp_id=site.host, challenge=challenge, user_verification=required
    )
    return options_to_json_dict(options)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser sent: the credential, and what it says it is for. Nothing of it is checked."""

    credential: dict[str, Any]
    id: bytes
    challenge: bytes
    handle: str

    @property
    def owner(self) -> tuple[int, str]:
        """Tenant and id of the user in its handle; (0, "") where it is none."""
        tenant, _, id = self.handle.partition("/")
        return (int(tenant), id[:64]) if tenant.isdecimal() and len(tenant) < 10 else (0, "")


def read(text: str) -> Answer:
    """The answer of an authenticator. Raises NotProven."""
    from webauthn.helpers import base64url_to_bytes

    if len(text) > _LONGEST:
        raise NotProven("passkey form", _NOT_GOOD)
    try:
        found = json.loads(text)
        response = found["response"]
        said = json.loads(base64url_to_bytes(response["clientDataJSON"]))
        handle = base64url_to_bytes(response.get("userHandle") or "").decode()
        id = base64url_to_bytes(found["id"])
        return Answer(found, id, base64url_to_bytes(said["challenge"]), handle)
    except _broken():
        raise NotProven("passkey form", _NOT_GOOD) from None


def registered(answer: Answer, site: Site, name: str, now: int) -> Passkey:
    """The credential that was made. The challenge has been checked. Raises NotProven."""
    import webauthn

    try:
        made = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _broken():
        raise NotProven("passkey registration", _NOT_GOOD) from None
    return Passkey(
        made.credential_id, made.credential_public_key, made.sign_count, name, now,
        backed_up=made.credential_backed_up,
    )  # fmt: skip


def proven(answer: Answer, site: Site, passkey: Passkey) -> int:
    """The count of signatures that the authenticator says now. The challenge has been checked.
    Raises NotProven, also for a count that does not rise: the passkey may have been copied."""
    import webauthn

    try:
        found = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.count,
            require_user_verification=True,
        )
    except _broken():
        raise NotProven("passkey", _NOT_GOOD) from None
    return found.new_sign_count


def _broken() -> tuple[type[Exception], ...]:
    """What an answer that is none may bring about."""
    from webauthn.helpers.exceptions import WebAuthnException

    return (WebAuthnException, *_BROKEN)
