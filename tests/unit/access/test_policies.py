"""Loading policies: what is refused, where and why; and how several of them come together."""

from __future__ import annotations

from pathlib import Path

import pytest

from careplane.access.caller import Caller
from careplane.access.policy.source import read_folder
from careplane.access.scopes import Permission
from careplane.kernel.errors import Incorrect
from careplane.search.plan import And, Everything, Keys, Node, Not, Nothing, Token
from careplane.storage.ports.records import Tenant
from tests.fhir_house import policies_with

ALL = "permit (principal, action, resource)"


def when(condition: str) -> str:
    return f"{ALL} when {{ {condition} }};"


REFUSED = [
    ("permit (principal, action resource);", "not Cedar: unexpected token"),
    (ALL, "not Cedar"),
    ("permit (principal == ?principal, action, resource);", "a template cannot be used"),
    ('permit (principal, action == Action::"look", resource);', "no action 'look'"),
    ("permit (principal, action, resource is Patinet);", "'Patinet' is not a FHIR R4"),
    ('permit (principal, action, resource in Types::"records");', "no Types::'records'"),
    ('permit (principal, action, resource in Folder::"x");', "'Folder' is not a FHIR R4"),
    (when("resource.owner.contains(principal)"), "no attribute 'owner'"),
    (when('principal.name == "x"'), "no attribute 'name'"),
    (when('context.time == "x"'), "no attribute 'time'"),
    (when('context.purpose == "FUN"'), "'FUN' is no purpose of use"),
    (when('resource.type == "Patinet"'), "'Patinet' is not a FHIR R4"),
    (when('["Patinet"].contains(resource.type)'), "'Patinet' is not a FHIR R4"),
    (when('resource.type like "Pat*"'), "'like' cannot be made part of a search"),
    (when("resource has type"), "'has' cannot be made part of a search"),
    (when("resource.type"), "a condition must be true or false"),
    (when('action == Action::"look"'), "no action 'look'"),
    (when("principal == resource"), "compared with entities"),
    (when("principal in resource.careTeam"), "can be compared"),
    (when("1 + 1 == 2"), "'+' cannot be made part of a search"),
    (when("1 < 2"), "'<' cannot be made part of a search"),
    (when('ip("10.0.0.1").isIpv4()'), "'isIpv4' cannot be made part of a search"),
    (when('{"a": 1}.a == 1'), "'Record' cannot be made part of a search"),
    (when("resource.type == 1"), "a text is never the same as a number"),
    (when("resource.type == principal"), "a text is never the same as an entity"),
    (when("resource.careTeam == principal.patients"), "can be compared"),
    (when("[resource.careTeam].contains(principal)"), "a set may hold"),
    (when('resource.careTeam.contains("Practitioner/n")'), "contains entities"),
    (when("resource.matches.contains(principal)"), "contains searches"),
    (when("resource.careTeam.containsAny(principal)"), "known beforehand"),
    (when('resource == "Patient/1"'), "compared with entities"),
    (when("action is Action"), "only resource and principal"),
    (when('resource.matches.contains("status=final")'), "the search 'status=final' on"),
    (when('resource is Patient && resource.matches.contains("nme=x")'), "'nme' of Patient"),
    (when('principal in Role::"x" && resource.matches.contains("nme=x")'), "'nme'"),
    (when('principal in Role::"x" || resource.owner.contains(principal)'), "'owner'"),
    (when("resource is Patient && resource is Claim"), "about no type"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_what_cannot_be_part_of_a_search_is_refused(text: str, reason: str, effect: str) -> None:
    above = '// a ; in a comment\npermit (principal, action, resource == Patient::"a;b");\n\n'
    with pytest.raises(Incorrect) as refused:
        policies_with({"mine.cedar": above + text.replace("permit", effect)})
    (issue,) = refused.value.issues
    assert issue.where == "mine.cedar:4"
    assert reason in issue.text


def test_every_policy_that_is_wrong_is_named() -> None:
    wrong = "permit (principal, action, resource is X);\n"
    with pytest.raises(Incorrect) as refused:
        policies_with({"a.cedar": wrong * 2, "b.cedar": wrong})
    assert [issue.where for issue in refused.value.issues] == [
        "a.cedar:1",
        "a.cedar:2",
        "b.cedar:1",
    ]


def decided(text: str, type: str = "Patient", **files: str) -> Node:
    caller = Caller(Tenant(1), "Practitioner/n", "N", frozenset(), None, frozenset({"x"}))
    given = {"mine.cedar": text, **{f"{name}.cedar": more for name, more in files.items()}}
    return policies_with(given).restriction(caller, Permission.READ, type)


ONE = Keys(frozenset({("Patient", "1")}))
BOTH = 'permit (principal in Role::"x", action, resource);'


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", Nothing()),
        ("// nothing but a comment", Nothing()),
        (BOTH, Everything()),
        ('permit (principal in Role::"y", action, resource);', Nothing()),
        ('permit (principal, action, resource == Patient::"1");', ONE),
        ('permit (principal, action, resource == Claim::"1");', Nothing()),
        (f"{BOTH} forbid (principal, action, resource);", Nothing()),
        (f'{BOTH} forbid (principal, action, resource == Patient::"1");', Not(ONE)),
        (f'forbid (principal, action, resource == Patient::"1"); {BOTH}', Not(ONE)),
        ('forbid (principal, action, resource == Patient::"1");', Nothing()),
        (when("if principal is Practitioner then resource is Patient else false"), Everything()),
        (when("!(principal is Practitioner)"), Nothing()),
        (f'{ALL} unless {{ principal == Practitioner::"n" }};', Nothing()),
    ],
)
def test_policies_together(text: str, node: Node) -> None:
    assert decided(text) == node


def test_a_search_becomes_its_node() -> None:
    text = (
        "permit (principal, action, resource is Patient) "
        'when { resource.matches.contains("gender=female") && resource == Patient::"1" };'
    )
    found = decided(text)
    assert isinstance(found, And)
    assert isinstance(found.parts[0], Token)
    assert found.parts[1] == ONE


def test_a_file_takes_the_place_of_a_ready_one() -> None:
    nobody = Caller(Tenant(1), "client/x", "X", frozenset())
    given = policies_with({"unassigned.cedar": ""})
    assert given.restriction(nobody, Permission.READ, "Patient") == Nothing()
    assert policies_with().restriction(nobody, Permission.READ, "Patient") == Everything()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.txt", b"", "only files that end in .cedar"),
        ("a.cedar", b"\xff", "is not UTF-8"),
        ("a.cedar", b" " * 1_000_001, "split it"),
    ],
)
def test_a_folder_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Incorrect, match=reason) as refused:
        read_folder(tmp_path)
    assert refused.value.issues[0].where == str(tmp_path / name)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Incorrect, match="names no folder"):
        read_folder(tmp_path / "absent")


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text(BOTH)
    (tmp_path / ".hidden").write_text("x")
    assert read_folder(tmp_path) == {"a.cedar": BOTH}
