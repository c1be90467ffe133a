"""The JSON codec: what it keeps, what it refuses, and that bad input costs little."""

from __future__ import annotations

import time

import pytest

from careplane.fhir.codec import json
from careplane.kernel.errors import Malformed

KEPT = [
    b'{"value":1.00}',
    b'{"value":0.000}',
    b'{"value":-12345678901234567890.1234567890123456789}',
    b'{"value":10}',
    b'{"resourceType":"Patient","_birthDate":{"extension":[{"url":"x"}]}}',
    '{"text":"Größe \\n 😀"}'.encode(),
]


@pytest.mark.parametrize("raw", KEPT)
def test_what_is_read_is_written(raw: bytes) -> None:
    assert json.dump(json.parse(raw)) == raw


REFUSED = {
    "empty": b"",
    "array": b"[]",
    "string": b'"x"',
    "truncated": b'{"a":',
    "trailing comma": b'{"a":1,}',
    "trailing bytes": b"{} {}",
    "comment": b"{/* x */}",
    "single quotes": b"{'a':1}",
    "not UTF-8": b'{"a":"\xff"}',
    "UTF-8 surrogate": b'{"a":"\xed\xa0\x80"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "duplicate key": b'{"a":1,"b":2,"a":1}',
    "duplicate key, escaped": b'{"a":1,"\\u0061":1}',
    "duplicate key, deep": b'{"x":[{"a":1,"a":1}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "lone surrogate, low": b'{"a":"\\udc00x"}',
    "lone surrogate in a name": b'{"\\ud83d":1}',
    "NUL": b'{"a":"\\u0000"}',
    "NUL in a name": b'{"\\u0000":1}',
    "raw NUL": b'{"a":"\x00"}',
    "control character": b'{"a":"\x01"}',
    "leading zero": b'{"a":01}',
    "plus": b'{"a":+1}',
    "hexadecimal": b'{"a":0x1}',
    "long integer": b'{"a":%s}' % (b"9" * 101),
    "endless integer": b'{"a":%s}' % (b"9" * 1_000_000),
    "endless decimal": b'{"a":0.%s}' % (b"9" * 1_000_000),
    "huge exponent": b'{"a":1e999999999}',
    "tiny exponent": b'{"a":1e-999999999}',
    "exponent beyond reason": b'{"a":1e99999999999999999999999}',
    "deep arrays": b"[" * 10_000,
    "deep closed arrays": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "endless string": b'{"a":"' + b"\\n" * 3_000_000,
    "endless strings that begin everywhere": b"[]" * 101 + b'\\"' * 500_000,
    "brackets in a string": b'{"a":"' + b"[" * 1_000_000,
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_refused_soon(raw: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(Malformed):
        json.parse(raw)
    assert time.perf_counter() - start < 3


def test_a_surrogate_pair_is_a_character() -> None:
    assert json.parse(b'{"a":"\\ud83d\\ude00"}') == {"a": "😀"}


def test_the_place_is_told() -> None:
    with pytest.raises(Malformed, match="line 2 column 6"):
        json.parse(b'{"a": 1,\n "b" 2}')


def test_the_text_of_a_broken_document_is_not_told() -> None:
    with pytest.raises(Malformed) as caught:
        json.parse(b'{"name": "Secretperson", "x": }')
    assert "Secretperson" not in str(caught.value)


def test_pretty_keeps_digits() -> None:
    assert json.pretty(b'{"a":1.00}') == b'{\n  "a": 1.00\n}'
