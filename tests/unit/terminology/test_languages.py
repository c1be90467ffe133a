"""Wishes for languages."""

from __future__ import annotations

import pytest

from careplane.terminology.languages import wished


@pytest.mark.parametrize(
    ("text", "tags", "strict", "written"),
    [
        ("de", ("de",), False, "de"),
        ("de,it,zh", ("de", "it", "zh"), False, "de,it,zh"),
        ("en; q=0.4, de", ("de", "en"), False, "en; q=0.4,de"),
        ("de,*; q=0", ("de",), True, "de, *; q=0"),
        ("de,*", ("de",), False, "de,*"),
        ("fr;q=0,de;q=x", ("de",), False, "fr; q=0, de; q=x"),
        (" , ,", (), False, ""),
    ],
)
def test_wish(text: str, tags: tuple[str, ...], strict: bool, written: str) -> None:
    found = wished(text)
    assert (found.tags, found.strict, found.text) == (tags, strict, written)


def test_a_narrower_language_fulfils_a_wish_and_a_wider_one_does_not() -> None:
    wish = wished("de-CH, en")
    assert [wish.rank(one) for one in ("de-CH", "de", "en-GB", "eng", "")] == [
        0,
        None,
        1,
        None,
        None,
    ]
