"""The Range header as a table (RFC 9110, 14.2)."""

from __future__ import annotations

import pytest

from careplane.interop.bulk.ranges import Span, span

WHOLE = Span(0, 10, whole=True)


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, WHOLE),
        (b"bytes=0-0", Span(0, 1)),
        (b"bytes=3-", Span(3, 10)),
        (b" bytes = 3 - 99 ", Span(3, 10)),
        (b"bytes=-4", Span(6, 10)),
        (b"bytes=-40", Span(0, 10)),
        (b"bytes=-0", None),
        (b"bytes=10-", None),
        (b"bytes=10-12", None),
        (b"bytes=5-2", WHOLE),
        (b"bytes=-", WHOLE),
        (b"bytes=0-1,4-5", WHOLE),
        (b"lines=0-1", WHOLE),
        (b"bytes=" + b"9" * 30 + b"-", WHOLE),
    ],
)
def test_a_range(header: bytes | None, wanted: Span | None) -> None:
    assert span(header, 10) == wanted
