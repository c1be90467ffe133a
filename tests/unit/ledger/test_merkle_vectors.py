"""The public vectors of transparency-dev/merkle: proofs that hold, and those that must not."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from careplane.ledger import verify as alone
from careplane.ledger.merkle import verify
from careplane.ledger.merkle.spans import Span
from tests.support import test_data as material


def _cases() -> list[Any]:
    try:
        folder = material("merkle", "testdata")
    except pytest.skip.Exception as absent:
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=str(absent)))]
    return [
        pytest.param((path.relative_to(folder).parts[0], json.loads(path.read_text())),
                     id=str(path.relative_to(folder)))
        for path in sorted(folder.rglob("*.json"))
    ]  # fmt: skip


def _bytes(text: str | None) -> bytes:
    return b64decode(text or "")


def _subtree_consistent(case: dict[str, Any], proof: list[bytes]) -> bool:
    span, roots = Span(case["start"], case["end"]), (_bytes(case["root1"]), _bytes(case["root2"]))
    return verify.subtree_consistent(span, roots[0], case["size"], roots[1], proof)


def _subtree_includes(case: dict[str, Any], proof: list[bytes]) -> bool:
    span, leaf = Span(case["start"], case["end"]), _bytes(case["leafHash"])
    return verify.subtree_includes(case["leafIdx"], leaf, span, _bytes(case["root"]), proof)


def _consistency(case: dict[str, Any]) -> tuple[int, bytes, int, bytes]:
    return case["size1"], _bytes(case["root1"]), case["size2"], _bytes(case["root2"])


def _inclusion(case: dict[str, Any]) -> tuple[int, bytes, int, bytes]:
    return case["leafIdx"], _bytes(case["leafHash"]), case["treeSize"], _bytes(case["root"])


Check = Callable[[dict[str, Any], list[bytes]], bool]
KINDS: dict[str, tuple[Check, ...]] = {
    "inclusion": (
        lambda case, proof: verify.includes(*_inclusion(case), proof),
        lambda case, proof: alone.includes(*_inclusion(case), proof),
    ),
    "consistency": (
        lambda case, proof: verify.consistent(*_consistency(case), proof),
        lambda case, proof: alone.consistent(*_consistency(case), proof),
    ),
    "subtreeinclusion": (_subtree_includes,),
    "subtreeconsistency": (_subtree_consistent,),
}


@pytest.mark.parametrize("vector", _cases())
def test_a_vector(vector: tuple[str, dict[str, Any]]) -> None:
    kind, case = vector
    proof = [_bytes(one) for one in case["proof"] or []]
    for check in KINDS[kind]:
        assert check(case, proof) is not case["wantErr"], case["desc"]
