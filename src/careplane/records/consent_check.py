"""`$consent-check`: what the Consents say of an actor, a purpose and a record, and which provision
decided. The answer is made from the same provisions as the restriction of a search."""

from __future__ import annotations

from careplane.access.caller import Caller
from careplane.access.consent.book import CONSENT
from careplane.access.consent.consents import Consents
from careplane.access.consent.leaves import Leaf, beats, leaves
from careplane.access.consent.terms import PART2, SECURITY, asking
from careplane.access.scopes import Permission
from careplane.kernel.errors import Incorrect, NotFound
from careplane.records import commands as c
from careplane.records import rights
from careplane.records.account import Account
from careplane.records.bodies import rows_of
from careplane.records.parts import Parts
from careplane.records.patients import patients_of_versions
from careplane.records.read import matching, read
from careplane.records.results import Checked, Version
from careplane.records.veil.veiled import truth
from careplane.search.match import Subject

_ACTIONS = {
    "access": Permission.READ,
    "use": Permission.READ,
    "disclose": Permission.READ,
    "collect": Permission.CREATE,
    "correct": Permission.UPDATE,
}


async def consent_check(parts: Parts, account: Account, command: c.ConsentCheck) -> Checked:
    """For a record that the one who checks may read himself, or may read but for Consents, where he
    keeps these for patients: whoever enforces them elsewhere asks here. Raises NotFound, Forbidden,
    and Incorrect for an action that is none."""
    permission = _ACTIONS.get(command.action)
    if permission is None:
        raise Incorrect(f"The action is one of {', '.join(_ACTIONS)}.")
    parts.decider.require(account.caller, Permission.READ, CONSENT)
    consents = parts.decider.consents
    if consents is None:
        raise NotFound("This server keeps no Consents.")
    version = truth(await _record(parts, account, consents, command))
    account.query = f"{command.type}/{command.id} {command.purpose} {command.action}"
    subject = Subject(
        version.type, version.id, version.last_updated, rows_of(parts.extract, version)
    )
    who = Caller(
        account.caller.tenant, command.actor, "", frozenset(), None, command.roles, command.purpose
    )
    return await _Check(parts, account, consents, subject, command.consent).decide(who, permission)


async def _record(
    parts: Parts, account: Account, consents: Consents, command: c.ConsentCheck
) -> Version:
    caller, type = account.caller, rights.known(command.type)
    if not consents.may_record(caller):
        return await read(parts, account, c.Read(type, command.id))
    limit = parts.decider.by_right(caller, Permission.READ, type)
    found = await matching(parts, caller, limit, type, command.id)
    if found is None:
        raise NotFound(f"There is no such {type}.")
    account.patients |= patients_of_versions((found,))
    return found


class _Check:
    def __init__(
        self, parts: Parts, account: Account, consents: Consents, subject: Subject, only: str
    ) -> None:
        self._parts = parts
        self._account = account
        self._consents = consents
        self._subject = subject
        self._only = only

    async def decide(self, who: Caller, permission: Permission) -> Checked:
        denials: list[tuple[str, Leaf]] = []
        permits: list[tuple[str, Leaf]] = []
        own = silent = False
        for id in self._patients():
            if who.id == f"Patient/{id}":
                own = True
                continue
            here = await self._applying(id, who, permission)
            mine = [leaf for _, leaf in here if leaf.permits]
            denials += [
                (consent, leaf)
                for consent, leaf in here
                if not leaf.permits and not any(beats(one, leaf) for one in mine)
            ]
            permits += [one for one in here if one[1].permits]
            silent = silent or not mine
        if denials:
            return _decided(*denials[0], "A provision denies it.")
        if own:
            return Checked(True, "It is the actor's own record.")
        if permits and not (silent and self._consents.data.of_several(self._subject.type)):
            return _decided(*max(permits, key=_specific), "A provision permits it.")
        return self._by_default(who, permission)

    def _patients(self) -> list[str]:
        if self._subject.type == "Patient":
            return [self._subject.id]
        about = self._consents.data.about(self._subject.type)
        rows = self._subject.rows.references
        return sorted({r.id for r in rows if r.param in about and r.type == "Patient"})

    async def _applying(
        self, patient: str, who: Caller, permission: Permission
    ) -> list[tuple[str, Leaf]]:
        edition = self._consents.books.edition(who.tenant)
        assert edition is not None
        ids = edition.ids(patient)
        template = edition.template(patient)
        asked = asking(who, permission)
        found = leaves(template, asked, self._consents.data, self._subject.type)
        return [
            (ids[leaf.source], leaf)
            for leaf in found
            if self._only in ("", ids[leaf.source])
            and await rights.allows(self._parts, self._account.caller, leaf.where, self._subject)
        ]

    def _by_default(self, who: Caller, permission: Permission) -> Checked:
        if permission is Permission.CREATE:
            return Checked(True, "No provision denies it.")
        if self._consents.is_opt_in(who) and self._consents.covers(self._subject.type):
            return Checked(False, "No provision permits it, and this purpose needs one that does.")
        tokens = self._subject.rows.tokens
        part2 = any((t.param, t.code) == (SECURITY, PART2) for t in tokens)
        if part2 and not self._consents.in_program(who):
            return Checked(
                False, "It is a record under 42 CFR Part 2, and no provision permits it."
            )
        return Checked(True, "No provision denies it.")


def _specific(one: tuple[str, Leaf]) -> tuple[int, int]:
    return len(one[1].kinds), one[1].source


def _decided(consent: str, leaf: Leaf, reason: str) -> Checked:
    return Checked(leaf.permits, reason, f"{CONSENT}/{consent}", leaf.place)
