"""Trust policies (c2sp.org/tlog-policy): which logs, which witnesses, and how many of them."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, field

from careplane.kernel.errors import Malformed
from careplane.ledger.formats.keys import (
    LOG_KINDS,
    WITNESS_KINDS,
    Kind,
    VerifierKey,
    parse_verifier,
)

MOST_BYTES = 512 * 1024
_MOST = 64
_NONE = "none"
_SPACES = " \t"


@dataclass(frozen=True, slots=True)
class Party:
    """A log or a witness: its key, and where it is reached, if it is."""

    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Holds where `least` of its members do."""

    least: int
    members: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """What a checkpoint needs. `quorum` names a witness, a group or, for no witness, `none`."""

    logs: list[Party] = field(default_factory=list)
    witnesses: dict[str, Party] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = ""

    def satisfied(self, cosigned: Set[str]) -> bool:
        """Whether these witnesses, by their names in the policy, are enough."""
        return self.quorum == _NONE or self._holds(self.quorum, cosigned)

    def _holds(self, name: str, cosigned: Set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in cosigned
        return sum(self._holds(one, cosigned) for one in group.members) >= group.least


def parse(data: bytes) -> Policy:
    """A policy from its bytes. Raises Malformed, which names the line."""
    if len(data) > MOST_BYTES:
        raise Malformed(f"The policy has more than {MOST_BYTES:,} bytes.")
    if not data.endswith(b"\n"):
        raise Malformed("The policy does not end with a newline.")
    reader = _Reader()
    for count, raw in enumerate(data[:-1].split(b"\n"), 1):
        try:
            reader.line(raw)
        except Malformed as error:
            raise Malformed(f"Line {count} of the policy: {error.text}") from None
    if not reader.policy.quorum:
        raise Malformed("The policy has no quorum line; `quorum none` asks for no witness.")
    return reader.policy


class _Reader:
    def __init__(self) -> None:
        self.policy = Policy()
        self._members: set[str] = set()
        self._publics: set[tuple[bool, bytes]] = set()
        self._rows: dict[str, Callable[[list[str]], None]] = {
            "log": self._log, "witness": self._witness, "group": self._group,
            "quorum": self._quorum,
        }  # fmt: skip

    def line(self, raw: bytes) -> None:
        if any((octet < 0x20 and octet != 0x09) or octet == 0x7F for octet in raw):
            raise Malformed("there are control characters other than tab.")
        line = raw.decode(errors="surrogateescape").strip(_SPACES)
        if not line or line.startswith("#"):
            return
        word, *rest = line.replace("\t", " ").split(" ")
        row = self._rows.get(word)
        if row is None:
            raise Malformed("it must begin with log, witness, group or quorum.")
        row([one for one in rest if one])

    def _log(self, rest: list[str]) -> None:
        if not 1 <= len(rest) <= 2:
            raise Malformed("a log is written as: log KEY [URL].")
        self.policy.logs.append(self._party(rest, LOG_KINDS))
        self._few(self.policy.logs)

    def _witness(self, rest: list[str]) -> None:
        if not 2 <= len(rest) <= 3:
            raise Malformed("a witness is written as: witness NAME KEY [URL].")
        name, *party = rest
        self._fresh(name)
        self.policy.witnesses[name] = self._party(party, WITNESS_KINDS)
        self._few(self.policy.witnesses)

    def _group(self, rest: list[str]) -> None:
        if len(rest) < 3:
            raise Malformed("a group is written as: group NAME any|all|NUMBER MEMBER ...")
        name, count, *members = rest
        self._fresh(name)
        for one in members:
            self._defined(one)
            if one in self._members:
                raise Malformed(f"{one} is a member of a group already.")
            self._members.add(one)
        self.policy.groups[name] = Group(_least(count, len(members)), tuple(members))
        self._few(self.policy.groups)

    def _quorum(self, rest: list[str]) -> None:
        if len(rest) != 1:
            raise Malformed("a quorum is written as: quorum NAME.")
        if self.policy.quorum:
            raise Malformed("there is a quorum line already.")
        if rest[0] != _NONE:
            self._defined(rest[0])
        self.policy.quorum = rest[0]

    def _party(self, rest: list[str], kinds: tuple[Kind, ...]) -> Party:
        key = parse_verifier(rest[0])
        if key.kind not in kinds:
            raise Malformed(f"keys of type {key.kind.value} do not sign for this.")
        public = kinds is LOG_KINDS, key.public
        if public in self._publics:
            raise Malformed("its public key is in the policy already.")
        self._publics.add(public)
        return Party(key, *rest[1:])

    def _fresh(self, name: str) -> None:
        if name == _NONE or name in self.policy.witnesses or name in self.policy.groups:
            raise Malformed(f"the name {name} is taken.")

    def _defined(self, name: str) -> None:
        if name not in self.policy.witnesses and name not in self.policy.groups:
            raise Malformed(f"no line above defines {name}.")

    def _few(self, parties: list[Party] | dict[str, Party] | dict[str, Group]) -> None:
        if len(parties) > _MOST:
            raise Malformed(f"there are more than {_MOST} of them.")


def _least(count: str, members: int) -> int:
    least = {"any": 1, "all": members}.get(count)
    if least is None and count.isascii() and count.isdecimal() and count[0] != "0":
        least = int(count) if len(count) < 4 else 0
    if least is None or not 1 <= least <= members:
        raise Malformed(f"it needs any, all or a number from 1 to {members}.")
    return least
