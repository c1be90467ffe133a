"""The Merkle tree against its definition, and its tiles against each other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careplane.ledger import verify as alone
from careplane.ledger.merkle import proofs, spans, tiles, verify
from careplane.ledger.merkle.frontier import Frontier
from careplane.ledger.merkle.hashes import EMPTY_ROOT, leaf_hash, node_hash
from careplane.ledger.merkle.spans import Node, Span
from careplane.ledger.merkle.tiles import UNKNOWN, Hashes, Lost, Tile, bridged, grow
from tests.unit.ledger import trees

SIZES = st.integers(1, 70)
ENTRIES = trees.entries(70)
ROOTS = json.loads((Path(__file__).parent / "pymerkle-roots.json").read_text())


def kept(count: int) -> trees.Kept:
    tree = trees.Kept()
    tree.append([leaf_hash(one) for one in trees.entries(count)])
    return tree


def test_the_example_of_the_specification() -> None:
    """C2SP merkle-tree: the proofs in a tree of seven."""
    a, b, c, d, e, f, g = [leaf_hash(one) for one in ENTRIES[:7]]
    h, i, j = [hashlib.sha256(b"\x01" + x + y).digest() for x, y in ((a, b), (c, d), (e, f))]
    k, m = [hashlib.sha256(b"\x01" + x + y).digest() for x, y in ((h, i), (j, g))]
    hashes = Hashes(kept(7).read)
    assert proofs.inclusion_proof(0, 7, hashes) == (b, i, m)
    assert proofs.inclusion_proof(3, 7, hashes) == (c, h, m)
    assert proofs.inclusion_proof(6, 7, hashes) == (j, k)
    assert proofs.consistency_proof(3, 7, hashes) == (c, d, h, m)
    assert proofs.consistency_proof(4, 7, hashes) == (m,)
    assert proofs.consistency_proof(6, 7, hashes) == (j, g, k)


@given(size=SIZES, data=st.data())
def test_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    hashes, some = Hashes(kept(70).read), ENTRIES[:size]
    root = hashes.span(Span(0, size))
    assert root == trees.mth(some)
    found = proofs.inclusion_proof(index, size, hashes)
    assert list(found) == trees.path(index, some)
    old_root = hashes.span(Span(0, old))
    known = proofs.consistency_proof(old, size, hashes)
    assert list(known) == (trees.proof(old, some) if old else [])
    for by in (verify, alone):
        assert by.includes(index, leaf_hash(ENTRIES[index]), size, root, found)  # type: ignore[attr-defined]
        assert by.consistent(old, old_root, size, root, known)  # type: ignore[attr-defined]


@given(size=SIZES, data=st.data())
def test_a_proof_of_anything_else_does_not_hold(size: int, data: st.DataObject) -> None:
    """One change of index, size, leaf, root or proof, whatever it is."""
    hashes = Hashes(kept(70).read)
    index = data.draw(st.integers(0, size - 1))
    good = (index, leaf_hash(ENTRIES[index]), size, hashes.span(Span(0, size)),
            proofs.inclusion_proof(index, size, hashes))  # fmt: skip
    old = data.draw(st.integers(1, size))
    chain = (old, hashes.span(Span(0, old)), size, good[3],
             proofs.consistency_proof(old, size, hashes))  # fmt: skip
    for statement, by in (
        (good, (verify.includes, alone.includes)),
        (chain, (verify.consistent, alone.consistent)),
    ):
        changed = data.draw(_changed(statement))
        if _says_the_same(statement, changed):
            continue
        for check in by:
            assert check(*statement)
            assert not check(*changed)


def _says_the_same(statement: tuple, changed: tuple) -> bool:  # type: ignore[type-arg]
    """Two equal sizes and two equal roots hold for every pair of them."""
    first, one, size, other, proof = changed
    return changed == statement or (first == size and one == other and not proof)


@st.composite
def _changed(draw: st.DrawFn, statement: tuple) -> tuple:  # type: ignore[type-arg]
    first, one, size, other, proof = statement
    other_hash = st.binary(min_size=32, max_size=32)
    kinds = ["first", "one", "other", "longer", "shorter", "swap", "flip"]
    match draw(st.sampled_from(kinds)):
        case "first":
            return draw(st.integers(0, 80)), one, size, other, proof
        case "one":
            return first, draw(other_hash), size, other, proof
        case "other":
            return first, one, size, draw(other_hash), proof
        case "longer":
            at = draw(st.integers(0, len(proof)))
            return first, one, size, other, (*proof[:at], draw(other_hash), *proof[at:])
        case "shorter" if proof:
            at = draw(st.integers(0, len(proof) - 1))
            return first, one, size, other, (*proof[:at], *proof[at + 1 :])
        case "swap" if len(proof) > 1:
            return first, one, size, other, (proof[1], proof[0], *proof[2:])
        case "flip" if proof:
            flipped = bytes([proof[0][0] ^ 1]) + proof[0][1:]
            return first, one, size, other, (flipped, *proof[1:])
    return statement


@pytest.mark.parametrize("by", [verify, alone])
def test_a_proof_that_is_too_long_proves_nothing(by: ModuleType) -> None:
    """Not even to a root that was made up to fit it."""
    leaf, more = leaf_hash(b"a"), leaf_hash(b"b")
    above = node_hash(more, leaf)
    assert by.includes(0, leaf, 1, leaf, ())
    assert not by.includes(0, leaf, 1, above, (more,))
    assert not by.includes(1, leaf, 2, node_hash(more, above), (more, more))
    assert by.consistent(1, leaf, 1, leaf, ())
    assert not by.consistent(1, leaf, 1, above, (more,))
    assert not by.consistent(2, above, 2, node_hash(more, above), (more,))


@given(size=SIZES, data=st.data())
def test_every_subtree_is_proven_a_part_of_the_tree(size: int, data: st.DataObject) -> None:
    hashes = Hashes(kept(70).read)
    end = data.draw(st.integers(1, size))
    start = data.draw(
        st.sampled_from([at for at in range(end) if spans.is_span(at, end)] or [end - 1])
    )
    span = Span(start, end)
    node, root = trees.mth(ENTRIES[start:end]), trees.mth(ENTRIES[:size])
    assert hashes.span(span) == node
    proof = proofs.subtree_proof(span, size, hashes)
    assert verify.subtree_consistent(span, node, size, root, proof)
    assert not verify.subtree_consistent(span, leaf_hash(b"other"), size, root, proof)
    assert not verify.subtree_consistent(span, node, size, root, (*proof, node))
    index = data.draw(st.integers(start, end - 1))
    path = tuple(hashes.span(one) for one in spans.inclusion(index, span))
    assert verify.subtree_includes(index, leaf_hash(ENTRIES[index]), span, node, path)


@settings(max_examples=40)
@given(parts=st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_appends_in_any_parts_make_the_same_tiles_and_root(parts: list[int]) -> None:
    count = sum(parts)
    leaves = [leaf_hash(one) for one in trees.entries(count)]
    tree, frontier, at = trees.Kept(), Frontier(), 0
    for part in parts:
        tree.append(leaves[at : at + part])
        frontier = frontier.extend(leaves[at : at + part])
        at += part
    whole = kept(count)
    assert tree.tiles == whole.tiles
    assert frontier == Frontier().extend(leaves)
    assert frontier.root() == Hashes(tree.read).span(Span(0, count))
    for tile, row in whole.tiles.items():
        assert len(row) == 32 * tiles.width(tile, count)


def test_the_tiles_of_the_specification() -> None:
    """C2SP tlog-tiles: a tree of 70,000 leaves."""
    leaves = [hashlib.sha256(b"%d" % n).digest() for n in range(70_000)]
    made = grow(0, leaves, lambda _: b"")
    widths = sorted((tile, len(row) // 32) for tile, row in made.items())
    full = [(Tile(0, n), 256) for n in range(273)]
    top = [(Tile(1, 0), 256), (Tile(1, 1), 17), (Tile(2, 0), 1)]
    assert widths == [*full, (Tile(0, 273), 112), *top]
    assert tiles.width(Tile(0, 274), 70_000) == 0
    assert Hashes(lambda tile: made[tile]).span(Span(0, 70_000)) == Frontier().extend(leaves).root()


@pytest.mark.parametrize(("size", "root"), list(ROOTS["roots"].items()))
def test_roots_are_those_that_pymerkle_finds(size: str, root: str) -> None:
    """`pymerkle-roots.json` was written with it; see test_pymerkle for where it is installed."""
    leaves = [leaf_hash(one) for one in trees.entries(int(size))]
    assert Frontier().extend(leaves).root().hex() == root


def test_roots_and_proofs_are_those_of_pymerkle_itself() -> None:
    pymerkle = pytest.importorskip(
        "pymerkle", reason="pymerkle is not installed: pip install pymerkle"
    )
    tree, frontier = pymerkle.InmemoryTree(algorithm="sha256"), Frontier()
    for count, entry in enumerate(trees.entries(300), 1):
        tree.append_entry(entry)
        frontier = frontier.extend([leaf_hash(entry)])
        assert frontier.root() == tree.get_root(count)


@settings(max_examples=60)
@given(
    size=st.integers(1, 1500), data=st.data(), more=st.integers(1, 600),
)  # fmt: skip
def test_a_log_goes_on_after_leaves_were_lost(size: int, data: st.DataObject, more: int) -> None:
    """With the frontier of what was signed, what comes after is the tree as if nothing was lost,
    and what came before the loss is not claimed."""
    have = data.draw(st.integers(0, size - 1))
    entries = trees.entries(size + more)
    leaves = [leaf_hash(one) for one in entries]
    whole = kept(size + more)
    signed = Frontier().extend(leaves[:size])
    known = signed.nodes()
    survived = kept(have)
    read = bridged(have, known, size, survived.read)
    after = survived.tiles | grow(size, leaves[size:], read, known)

    # a tile that no new leaf reached stands as it was bridged
    def now(tile: Tile) -> bytes:
        return after[tile] if len(after.get(tile, b"")) > len(read(tile)) else read(tile)

    hashes, true = Hashes(now, known), Hashes(whole.read)
    end = size + more
    assert hashes.span(Span(0, end)) == true.span(Span(0, end))
    proof = proofs.consistency_proof(size, end, hashes)
    assert proof == proofs.consistency_proof(size, end, true)
    index = data.draw(st.integers(size, end - 1))
    assert proofs.inclusion_proof(index, end, hashes) == proofs.inclusion_proof(index, end, true)
    lost = data.draw(st.integers(have, size - 1))
    if Node(0, lost) not in known:
        with pytest.raises(Lost):
            hashes.node(Node(0, lost))


def test_what_is_no_tree_is_refused() -> None:
    hashes = Hashes(kept(5).read)
    assert hashes.span(Span(0, 0)) == EMPTY_ROOT
    with pytest.raises(ValueError, match="shorter"):
        hashes.span(Span(0, 8))
    with pytest.raises(ValueError, match="not among"):
        proofs.inclusion_proof(5, 5, hashes)
    with pytest.raises(ValueError, match="no subtree"):
        proofs.subtree_proof(Span(1, 3), 5, hashes)
    with pytest.raises(ValueError, match="another number"):
        Frontier(3, (UNKNOWN,))
    with pytest.raises(ValueError, match="shorter"):
        grow(300, [UNKNOWN], lambda _: b"")
