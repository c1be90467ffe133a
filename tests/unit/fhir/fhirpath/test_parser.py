"""Precedence, literals and names of the grammar; where errors are; what hostile text meets."""

from decimal import Decimal

import pytest

from careplane.fhir.fhirpath import ast, parse
from careplane.fhir.fhirpath.errors import NotFhirpath

A, B, C = (ast.Member(None, name) for name in "abc")
QUANTITY = ast.TypeName("Quantity")

SHAPES: list[tuple[str, ast.Expression]] = [
    ("a.b", ast.Member(A, "b")),
    ("a[0].b", ast.Member(ast.Indexer(A, ast.Integer(0)), "b")),
    ("-a.b()", ast.Unary("-", ast.Call(A, "b"))),
    ("-a * b", ast.Binary("*", ast.Unary("-", A), B)),
    ("a + b * c", ast.Binary("+", A, ast.Binary("*", B, C))),
    ("(a + b) * c", ast.Binary("*", ast.Binary("+", A, B), C)),
    ("a - b - c", ast.Binary("-", ast.Binary("-", A, B), C)),
    ("a > b is Quantity", ast.Binary(">", A, ast.TypeOperation("is", B, QUANTITY))),
    ("a | b as Quantity", ast.Binary("|", A, ast.TypeOperation("as", B, QUANTITY))),
    ("a implies b or c", ast.Binary("implies", A, ast.Binary("or", B, C))),
    ("a or b and c", ast.Binary("or", A, ast.Binary("and", B, C))),
    ("a = b in c", ast.Binary("in", ast.Binary("=", A, B), C)),
    ("a is System.Quantity", ast.TypeOperation("is", A, ast.TypeName("Quantity", "System"))),
    ("a.contains(b)", ast.Call(A, "contains", (B,))),
    ("a.is(Quantity)", ast.Call(A, "is", (ast.Member(None, "Quantity"),))),
    ("iif(a, b, c)", ast.Call(None, "iif", (A, B, C))),
    ("a.$this", ast.This()),
    ("%`vs-x`", ast.Variable("vs-x")),
    ("%'vs-x'", ast.Variable("vs-x")),
    ("%resource", ast.Variable("resource")),
    ("{}", ast.Empty()),
    ("true", ast.Boolean(True)),
    ("1", ast.Integer(1)),
    ("2147483648", ast.Integer(2**31)),
    ("1.50", ast.Number(Decimal("1.50"))),
    ("1.5 'mg'", ast.Quantity(Decimal("1.5"), "mg")),
    ("4 days", ast.Quantity(Decimal(4), "day", calendar=True)),
    ("@2015", ast.Date("2015")),
    ("@2015-02T", ast.DateTime("2015-02")),
    ("@2015-02-04T14:34:28.5+10:00", ast.DateTime("2015-02-04T14:34:28.5+10:00")),
    ("@T14:34", ast.Time("14:34")),
    (r"'\\\/\f\r\n\t\"\`\'\u002a'", ast.String("\\/\f\r\n\t\"`'*")),
    (r"'\ud83d\ude00'", ast.String("\N{GRINNING FACE}")),
    (r"`div`", ast.Member(None, "div")),
    ("a.div", ast.Member(ast.Member(None, "a"), "div")),
    (
        "a.div div b.div",
        ast.Binary(
            "div",
            ast.Member(ast.Member(None, "a"), "div"),
            ast.Member(ast.Member(None, "b"), "div"),
        ),
    ),
    ("a // b\n.b /* c */", ast.Member(A, "b")),
]


@pytest.mark.parametrize(("text", "expected"), SHAPES, ids=[text for text, _ in SHAPES])
def test_shape(text: str, expected: ast.Expression) -> None:
    assert parse(text) == expected


def test_decimal_literals_keep_their_digits() -> None:
    literal = parse("1.50")
    assert isinstance(literal, ast.Number)
    assert str(literal.value) == "1.50"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ("a.\n  b..c", "line 2, column 5"),
        ("a b", "line 1, column 3"),
        ("2 + 2 /", "line 1, column 8"),
        ("2 /* not finished", "line 1, column 3"),
        ("'not finished", "line 1, column 1"),
        (r"'a\qb'", "line 1, column 3"),
        ("f(a", "line 1, column 4"),
        ("a[1", "line 1, column 4"),
        ("a and", "line 1, column 6"),
        ("a.and", "line 1, column 3"),
        ("$that", "line 1, column 1"),
        ("@T14:34:28Z", "line 1, column 11"),
        ("3000000000", "line 1, column 1"),
        ("a is 1", "line 1, column 6"),
    ],
)
def test_errors_name_their_place(text: str, place: str) -> None:
    with pytest.raises(NotFhirpath, match=place):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "-" * 10_000 + "1",
        "a" + ".a" * 5_000,
        "a" + " and a" * 2_000,
        "a" + "[0" * 5_000,
        "a implies b or c and d in e = f < g | h + i * j.k(" * 300,
        "1" * 10_000,
        "a" * 20_000,
        "/*" * 8_000,
        "'\\" * 8_000,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(NotFhirpath):
        parse(text)
