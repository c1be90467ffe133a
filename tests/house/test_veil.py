"""Nothing leaves the door but veiled: a way around the one gate fails here first."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from careplane.records import audited, results
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.records.veil import leaving
from tests.support import ROOT

RECORDS = ROOT / "src" / "careplane" / "records"
SERVICES = {
    "refused": "answers nothing",
    "changes": "for services of this house; what leaves goes through disclose",
    "newest": "a number",
    "before": "as changes",
    "visible": "yes or no, by rights",
    "may": "yes or no, by rights to a type",
    "_jobs": "a part of this door, for its own methods",
}
"""Methods of the door that do not go through its one sequence, and why they need not."""
TRUE = {
    "account.py", "consent_check.py", "contained.py", "parts.py", "patients.py", "veiled.py",
}  # fmt: skip
"""Files that take the true version of a veiled one: for the trail, and to make rows of or to judge
whose it is."""
PLAIN = {
    "act.py", "changes.py", "erase.py", "export.py", "parts.py", "purge.py", "relabel.py",
    "resealing.py", "transaction.py", "write.py",
}  # fmt: skip
"""Files that work on the store itself: who writes, and who judges rights of versions by hand."""


Method = ast.AsyncFunctionDef | ast.FunctionDef


def _methods() -> list[Method]:
    tree = ast.parse((RECORDS / "door.py").read_text())
    (door,) = [one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == "Door"]
    found = [one for one in door.body if isinstance(one, Method)]
    return [one for one in found if one.name != "__init__"]


@pytest.mark.parametrize("method", _methods(), ids=lambda method: str(method.name))
def test_a_method_of_the_door_goes_through_the_gate(method: Method) -> None:
    if method.name in SERVICES or method.name == "_call":
        return
    calls = [node.func for node in ast.walk(method) if isinstance(node, ast.Call)]
    names = {node.attr for node in calls if isinstance(node, ast.Attribute)}
    assert "_call" in names, f"Door.{method.name} answers without the veil"


def _kinds(annotation: Any) -> Iterator[type]:
    """What a method may answer, one by one."""
    if get_origin(annotation) in (Union, UnionType, tuple):
        for one in get_args(annotation):
            yield from () if one is Ellipsis else _kinds(one)
    else:
        yield get_origin(annotation) or annotation


@pytest.mark.parametrize("method", _methods(), ids=lambda method: str(method.name))
def test_the_gate_knows_what_a_method_answers(method: Method) -> None:
    if method.name in SERVICES or method.name == "_call":
        return
    for kind in _kinds(get_type_hints(getattr(Door, method.name))["return"]):
        known = kind in leaving._FIELDS or issubclass(kind, (Version, *leaving._HOLDS_NONE))
        assert known, f"say in records/veil/leaving.py what there is in a {kind.__name__}"


def test_the_one_sequence_is_audited_and_veiled() -> None:
    (call,) = [method for method in _methods() if method.name == "_call"]
    assert "audited(" in ast.unparse(call)
    assert "seen_by" in inspect.getsource(audited._up_to_date)
    assert "leaving" in inspect.getsource(audited._veiled)


def _holds_versions(annotation: object) -> bool:
    return "Version" in str(annotation) or any(
        name in str(annotation) for name in ("Found", "Answer", "Written")
    )


STRUCTS = [
    one for one in vars(results).values()
    if isinstance(one, type) and issubclass(one, msgspec.Struct)
    and one.__module__ == results.__name__ and one is not results.Inside
]  # fmt: skip


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: str(struct.__name__))
def test_the_gate_knows_where_a_result_has_its_versions(struct: type[msgspec.Struct]) -> None:
    holding = {f.name for f in msgspec.structs.fields(struct) if _holds_versions(f.type)}
    known = set(leaving._FIELDS.get(struct, ()))
    assert holding - {"inside"} == known, f"say so in records/veil/leaving.py: {struct.__name__}"
    assert known or issubclass(struct, leaving._HOLDS_NONE) or struct is Version


@pytest.mark.parametrize("path", sorted(RECORDS.rglob("*.py")), ids=lambda path: str(path.name))
def test_only_these_look_beneath_the_veil(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used |= {node.id for node in nodes if isinstance(node, ast.Name)}
    if used & {"plain", "beneath"}:
        assert path.name in PLAIN, f"{path.name} works on the store itself"
    if used & {"true", "truth"}:
        assert path.name in TRUE, f"{path.name} reads what is stored as it is"
