"""The formats of c2sp.org: examples of their specifications, round trips, and what is refused."""

from __future__ import annotations

import contextlib
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.kernel.errors import Incorrect, Invalid, Malformed
from careplane.ledger.formats import checkpoint, cosignature, keys, layout, note, policy, submission
from careplane.ledger.formats import proof as receipts
from careplane.ledger.formats.keys import Kind
from careplane.ledger.merkle.hashes import EMPTY_ROOT

HASH = b64encode(b"h" * 32).decode()
TEXT = f"example.com/log\n7\n{HASH}\n"
LINE = "— example.com/log " + b64encode(b"1234signature").decode() + "\n"
NOTE = f"{TEXT}\n{LINE}"

# The example of the package where signed notes come from (golang.org/x/mod/sumdb/note).
PUBLISHED = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
SAYING = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    SAYING + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
    "fqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_published_note_and_its_keys() -> None:
    key = keys.parse_verifier(PUBLISHED)
    read = note.parse(SIGNED.encode())
    assert (read.text, bytes(read)) == (SAYING, SIGNED.encode())
    assert [one.key for one in keys.verified(read, [key])] == [key]
    signer = keys.parse_signer(SECRET)
    assert (signer.verifier, str(key), str(signer)) == (key, PUBLISHED, SECRET)
    assert signer.sign(SAYING, 0) == read.signatures[0]


def test_the_checkpoint_of_the_specification() -> None:
    read = note.parse(
        b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        b"\xe2\x80\x94 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe"
        b"4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        b"\xe2\x80\x94 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWX"
        b"EhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    head = checkpoint.parse(read.text)
    assert (head.origin, head.size, head.text) == (
        "example.com/behind-the-sofa", 20852163, read.text,
    )  # fmt: skip
    assert [len(one.value) for one in read.signatures] == [64, 72]
    message = cosignature.cosignature_message(read.text, 1679315147).decode()
    assert message.splitlines()[:3] == ["cosignature/v1", "time 1679315147", head.origin]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_key_signs_what_its_verifier_believes_and_nothing_else(kind: Kind) -> None:
    signer = keys.generate("example.com/log", kind)
    assert keys.parse_verifier(str(signer.verifier)) == signer.verifier
    assert keys.parse_signer(str(signer)).verifier == signer.verifier
    signature = signer.sign(TEXT, 1_700_000_000)
    (found,) = keys.verified(note.Note(TEXT, (signature,)), [signer.verifier])
    assert found.timestamp == (0 if kind is Kind.ED25519 else 1_700_000_000)
    assert keys.verified(note.Note(TEXT, (signature,)), []) == [], "of a key that is not known"
    for text in (TEXT.replace("7", "8"), TEXT.replace("log", "lag"), TEXT.replace("a", "b")):
        with pytest.raises(Invalid, match="not of this text"):
            keys.verified(note.Note(text, (signature,)), [signer.verifier])
    for at in (0, 7, 8, len(signature.value) - 1):
        value = bytearray(signature.value)
        value[at] ^= 1
        changed = note.Signature(signature.name, signature.key_id, bytes(value))
        with pytest.raises(Invalid):
            signer.verifier.verify(TEXT, changed)
    for value in (signature.value[:-1], signature.value + b"x", b"x"):
        with pytest.raises(Invalid, match="length"):
            signer.verifier.verify(TEXT, note.Signature(signature.name, signature.key_id, value))


def test_an_ml_dsa_signature_is_of_the_name_and_not_of_extension_lines() -> None:
    signer = keys.generate("example.com/log", Kind.ML_DSA_44)
    signature = signer.sign(TEXT, 5)
    signer.verifier.verify(TEXT + "more\n", signature)
    other = keys.VerifierKey("other.example/log", Kind.ML_DSA_44, signer.verifier.public)
    with pytest.raises(Invalid):
        other.verify(TEXT, signature)
    message = cosignature.subtree_message("n", "o", 8, 16, b"r" * 32, 0)
    expected = b"subtree/v1\n\0" + b"\1n" + bytes(8) + b"\1o" + (8).to_bytes(8, "big")
    assert message == expected + (16).to_bytes(8, "big") + b"r" * 32
    with pytest.raises(ValueError, match="without a time"):
        cosignature.subtree_message("n", "o", 8, 16, b"r" * 32, 1)
    with pytest.raises(Malformed, match="255"):
        signer.sign(TEXT.replace("example", "e" * 300), 5)


def test_a_signature_that_claims_to_be_of_a_known_key_must_hold() -> None:
    signer = keys.generate("example.com/log", Kind.ED25519)
    good = signer.sign(TEXT, 0)
    bad = note.Signature(good.name, good.key_id, bytes(64))
    unknown = note.Signature("other.example", good.key_id, bytes(64))
    assert len(keys.verified(note.Note(TEXT, (unknown, good)), [signer.verifier])) == 1
    with pytest.raises(Invalid):
        keys.verified(note.Note(TEXT, (good, bad)), [signer.verifier])


SPELT_TWICE = b64encode(b"x" * 31).decode().replace("eA==", "eB==")
WRONG: list[tuple[Callable[[bytes], object], str, str]] = [
    (note.parse, "", "newline"),
    (note.parse, "text\n", "no empty line"),
    (note.parse, f"{TEXT}\n", "1 to 64"),
    (note.parse, f"\n{LINE}", "no text"),
    (note.parse, NOTE[:-1], "newline"),
    (note.parse, NOTE.replace("7", "7\r"), "control"),
    (note.parse, NOTE.replace("7", "7\0"), "control"),
    (note.parse, NOTE.replace("— ", "- "), "em dash"),
    (note.parse, NOTE.replace("— example.com/log", "— a\u00a0b"), "em dash"),
    (note.parse, NOTE.replace("— example.com/log", "— a+b"), "em dash"),
    (note.parse, f"{TEXT}\n— name !!!\n", "base64"),
    (note.parse, f"{TEXT}\n— name MTIzNA==\n", "shorter"),
    (note.parse, f"{TEXT}\n" + LINE * 65, "1 to 64"),
    (note.parse, "x" * 200_000, "at most"),
    (lambda data: checkpoint.parse(data.decode()), "origin\n7\n", "three lines"),
    (lambda data: checkpoint.parse(data.decode()), f"\n7\n{HASH}\n", "three lines"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n07\n{HASH}\n", "leading zeroes"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n-7\n{HASH}\n", "decimal"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n٧\n{HASH}\n", "decimal"),
    (lambda data: checkpoint.parse(data.decode()), f"o\n9223372036854775808\n{HASH}\n", "2^63"),
    (lambda data: checkpoint.parse(data.decode()), "origin\n7\nMTIz\n", "3 bytes"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n7\n{HASH[:-1]}\n", "base64"),
    (lambda data: checkpoint.parse(data.decode()), f"o\n7\n{SPELT_TWICE}\n", "spare bits"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n0\n{HASH}\n", "without leaves"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n7\n{HASH}\n\n", "not empty"),
    (lambda data: checkpoint.parse(data.decode()), f"origin\n7\n{HASH}", "newline"),
    (lambda data: keys.parse_verifier(data.decode()), "name", "name+id"),
    (lambda data: keys.parse_verifier(data.decode()), PUBLISHED.replace("c7", "c8"), "The id"),
    (lambda data: keys.parse_verifier(data.decode()), "n+00000000+Agab", "type"),
    (lambda data: keys.parse_verifier(data.decode()), "n+00000000+AQab", "32 bytes"),
    (lambda data: keys.parse_verifier(data.decode()), PUBLISHED.replace("Peter", "P "), "spaces"),
    (lambda data: keys.parse_signer(data.decode()), PUBLISHED, "PRIVATE"),
    (lambda data: keys.parse_signer(data.decode()), SECRET.replace("c7", "c8"), "The id"),
    (lambda data: keys.parse_signer(data.decode()), "PRIVATE+KEY+n+00000000+AQab", "seed"),
    (receipts.parse, "c2sp.org/tlog-proof@v2\n", "first line"),
    (receipts.parse, "c2sp.org/tlog-proof@v1\nindex 1\n", "empty line"),
    (receipts.parse, f"c2sp.org/tlog-proof@v1\n{HASH}\n\n{NOTE}", "index N"),
    (receipts.parse, f"c2sp.org/tlog-proof@v1\nindex 01\n\n{NOTE}", "decimal"),
    (receipts.parse, f"c2sp.org/tlog-proof@v1\nextra \nindex 1\n\n{NOTE}", "extra data"),
    (receipts.parse, f"c2sp.org/tlog-proof@v1\nindex 1\nMTIz\n\n{NOTE}", "3 bytes"),
    (receipts.parse, f"c2sp.org/tlog-proof@v1\nindex 1\n{(HASH + chr(10)) * 65}\n{NOTE}", "65"),
    (submission.parse, f"old 1\n{HASH}\n", "empty line"),
    (submission.parse, f"size 1\n\n{NOTE}", "old N"),
    (submission.parse, f"\n{NOTE}", "old N"),
    (submission.parse, f"old 1\n{(HASH + chr(10)) * 64}\n{NOTE}", "63"),
    (submission.parse_size, "1\n2\n", "one line"),
    (submission.parse_size, "x\n", "decimal"),
    (submission.parse_cosignatures, "\n", "em dash"),
    (layout.read_bundle, "\0\5abc", "entry 0"),
    (layout.read_bundle, "\0\1a\0", "entry 1"),
    (layout.read_bundle, "\0\0" * 257, "256"),
]


@pytest.mark.parametrize(("parse", "text", "says"), WRONG)
def test_what_is_not_of_the_format_is_refused_with_a_reason(
    parse: Callable[[bytes], object], text: str, says: str
) -> None:
    with pytest.raises(Malformed) as caught:
        parse(text.encode())
    assert says in caught.value.text


@pytest.mark.parametrize("parse", [note.parse, receipts.parse, submission.parse, policy.parse])
@given(data=st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_no_bytes_break_a_parser(parse: Callable[[bytes], object], data: bytes) -> None:
    for one in (
        data,
        data + b"\n",
        b"c2sp.org/tlog-proof@v1\n" + data + b"\n",
        b"old 1\n\n" + data,
    ):
        with contextlib.suppress(Incorrect):
            parse(one)


@given(
    index=st.integers(0, 2**63 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=60),
    extra=st.binary(max_size=200), size=st.integers(1, 2**63 - 1),
)  # fmt: skip
def test_what_is_written_is_read(index: int, proof: list[bytes], extra: bytes, size: int) -> None:
    text = checkpoint.Checkpoint("example.com/log", size, b"r" * 32).text
    signed = note.Note(text, (note.Signature("example.com/log", b"1234", b"value"),))
    receipt = receipts.Receipt(index, tuple(proof), signed, extra)
    assert receipts.parse(bytes(receipt)) == receipt
    asked = submission.Submission(index, tuple(proof), signed)
    assert submission.parse(bytes(asked)) == asked
    assert submission.parse_cosignatures(str(signed.signatures[0]).encode()) == signed.signatures


def test_a_checkpoint_of_nothing() -> None:
    text = checkpoint.Checkpoint("example.com/log", 0, EMPTY_ROOT).text
    assert checkpoint.parse(text).size == 0


PATHS = [
    ("tile/0/000", layout.Place(0, 0)),
    ("tile/0/x001/x234/067", layout.Place(0, 1234067)),
    ("tile/63/999.p/1", layout.Place(63, 999, 1)),
    ("tile/1/x001/000.p/255", layout.Place(1, 1000, 255)),
    ("tile/entries/x123/456", layout.Place(None, 123456)),
]


@pytest.mark.parametrize(("path", "place"), PATHS)
def test_a_path_is_a_place(path: str, place: layout.Place) -> None:
    assert layout.parse(path) == place
    assert str(place) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000",
        "tile/-1/000",
        "tile/0/001/000", "tile/0/x001", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/0/000.p/", "tile/0/../000", "tile/entries/000/", "/tile/0/000",
        "tile/0/" + "x001/" * 7 + "000", "tile/data/000", "tile/0/000\n",
        "tile/0/\u0661\u0661\u0661",
    ],
)  # fmt: skip
def test_a_path_of_nothing(path: str) -> None:
    with pytest.raises(Malformed):
        layout.parse(path)


def test_bundles() -> None:
    entries = [b"", b"a", b"b" * 65_535]
    assert layout.read_bundle(layout.write_bundle(entries)) == entries
    with pytest.raises(ValueError, match="65535"):
        layout.write_bundle([b"b" * 65_536])


LOG = keys.generate("example.com/log", Kind.ED25519).verifier
W = [keys.generate(f"w{n}.example", Kind.COSIGNATURE).verifier for n in range(6)]
TWO_LEVELS = f"""
# two of three here, and one of three there
log {LOG} https://example.com/log
witness X1 {W[0]}
witness X2 {W[1]}  https://x2.example/
\twitness X3\t{W[2]}
group X-witnesses 2 X1 X2 X3
witness Y1 {W[3]}
witness Y2 {W[4]}
witness Y3 {W[5]}
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


@pytest.mark.parametrize(
    ("cosigned", "enough"),
    [
        ("X1 X2 Y1", True), ("X1 X3 Y3", True), ("X1 X2 X3 Y1 Y2 Y3", True), ("X1 X2", False),
        ("X1 Y1 Y2 Y3", False), ("", False), ("X1 X2 other", False),
    ],
)  # fmt: skip
def test_the_policy_of_the_specification(cosigned: str, enough: bool) -> None:
    read = policy.parse(TWO_LEVELS.encode())
    assert read.satisfied(set(cosigned.split())) is enough
    assert (read.logs[0].url, read.witnesses["X2"].url) == (
        "https://example.com/log", "https://x2.example/",
    )  # fmt: skip


def test_a_policy_of_no_witness() -> None:
    assert policy.parse(b"quorum none\n").satisfied(set())


PQ = keys.generate("w.example", Kind.ML_DSA_44).verifier
BAD_POLICIES = [
    ("", "newline"),
    ("quorum none", "newline"),
    ("# nothing\n", "no quorum"),
    ("quorum none\nquorum none\n", "Line 2 of the policy: there is a quorum"),
    ("quorum W\n", "defines W"),
    ("quorum\n", "quorum NAME"),
    ("trust all\n", "begin with"),
    (f"log {W[0]}\nquorum none\n", "do not sign"),
    (f"witness W {LOG}\nquorum W\n", "do not sign"),
    (f"log {LOG}\nlog {LOG}\nquorum none\n", "already"),
    (f"witness A {W[0]}\nwitness B {W[0]}\nquorum A\n", "already"),
    (f"witness A {W[0]}\nwitness A {W[1]}\nquorum A\n", "taken"),
    (f"witness none {W[0]}\nquorum none\n", "taken"),
    (f"witness A {W[0]}\ngroup A any A\nquorum A\n", "taken"),
    (f"witness A {W[0]}\ngroup G any B\nquorum G\n", "defines B"),
    (f"witness A {W[0]}\ngroup G any G\nquorum G\n", "defines G"),
    (f"witness A {W[0]}\ngroup G any A A\nquorum G\n", "member of a group"),
    (f"witness A {W[0]}\ngroup G any A\ngroup H any A\nquorum G\n", "member of a group"),
    (f"witness A {W[0]}\ngroup G 0 A\nquorum G\n", "from 1 to 1"),
    (f"witness A {W[0]}\ngroup G 2 A\nquorum G\n", "from 1 to 1"),
    (f"witness A {W[0]}\ngroup G 01 A\nquorum G\n", "from 1 to 1"),
    (f"witness A {W[0]}\ngroup G any\nquorum G\n", "group NAME"),
    (f"witness A {W[0]} url more\nquorum A\n", "witness NAME"),
    (f"log {LOG} url more\nquorum none\n", "log KEY"),
    ("quorum\rnone\n", "control"),
    ("quorum none\x7f\n", "control"),
    (f"log \udc80{LOG}\nquorum none\n", "spaces"),
]


@pytest.mark.parametrize(  # keys are made anew in each process
    ("text", "says"), BAD_POLICIES, ids=[f"{n} {says}" for n, (_, says) in enumerate(BAD_POLICIES)]
)
def test_a_policy_that_is_none(text: str, says: str) -> None:
    from careplane.ledger import verify

    with pytest.raises(Malformed) as caught:
        policy.parse(text.encode(errors="surrogateescape"))
    assert says in caught.value.text
    with pytest.raises(verify.Refused):
        verify.read_policy(text.encode(errors="surrogateescape"))


def test_a_policy_may_have_ml_dsa_witnesses() -> None:
    read = policy.parse(f"witness W {PQ}\nquorum W\n".encode())
    assert read.witnesses["W"].key.kind is Kind.ML_DSA_44


def test_parties_are_not_without_number() -> None:
    lines = "".join(
        f"witness w{n} {keys.generate(f'w{n}', Kind.COSIGNATURE).verifier}\n" for n in range(65)
    )
    with pytest.raises(Malformed, match="64"):
        policy.parse(f"{lines}quorum none\n".encode())
