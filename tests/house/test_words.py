"""No sentence for people is raw: what stands in a template or is given to one goes through the
catalogues, which say it in every language, whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from jinja2 import Environment, nodes

from careplane.words.audience import Audience, speaking
from careplane.words.catalogues import ngettext
from careplane.words.languages import LANGUAGES, SOURCE
from tests.support import ROOT
from tools import messages

HOUSE = ROOT / "src/careplane"
TEMPLATES = sorted((HOUSE / "web/templates").rglob("*.html"))
SCRIPTS = sorted(path for path in (HOUSE / "web/static").glob("*.js"))
LANGUAGES_OF_CATALOGUES = sorted(LANGUAGES.keys() - {SOURCE})

ALIKE = {
    "Careplane", "JSON", "UTC", "XML", "CSV", "FHIR", "URL", "PDF", "QR", "ID", "API", "ZIP",
    "Excel", "English", "Swagger UI", "NT-proBNP",
}  # fmt: skip
"""Names that are the same in every language."""
KEPT = {
    'attachment; filename="', 'attachment; filename="disclosures.csv"',
    'attachment; filename="visit.ics"',
    "attachment; filename*=UTF-8''", "sandbox; default-src 'none'",
    "Cookie, HX-Request, Accept-Language", "public, max-age=31536000, immutable",
    "text/css; charset=utf-8", "text/javascript; charset=utf-8", "text/plain; charset=utf-8",
    "Samsung Internet", "Mac OS",
}  # fmt: skip
"""Headers of HTTP and names of products."""
_SAID = {"alt", "aria-description", "aria-label", "aria-placeholder", "aria-valuetext",
         "placeholder", "summary", "title"}  # fmt: skip
_UNSAID = {"code", "kbd", "pre", "samp", "script", "style", "svg"}
_MARKUP = re.compile(r'"?\b[a-z-]+="[^"]*"?|^-[a-z]+"?$')
"""Attributes that a macro gives to a tag of its callers, such as `aria-invalid="true"`."""
_VOID = {"img", "input", "br", "hr", "meta", "link"}
_HOLE = "\ue000"
"""What stands for an expression of a template."""


class _Raw(HTMLParser):
    """Texts and spoken attributes of a page that are no expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)
        unsaid = self._within or tag in _UNSAID or ("translate", "no") in attrs
        if unsaid and tag not in _VOID:
            self._within.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self._note(data)

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if ("translate", "no") in attrs:
            return
        for name, value in attrs:
            spoken = name in _SAID or name.startswith("data-say")
            if spoken or (tag == "input" and name == "value" and _is_button(attrs)):
                self._note(value or "")

    def _note(self, text: str) -> None:
        for part in text.split(_HOLE):
            words = _MARKUP.sub("", " ".join(part.split()))
            if not ALIKE.issuperset(re.findall(r"[^\W\d_]{2,}", words)):
                self.found.append(words)


def _is_button(attrs: list[tuple[str, str | None]]) -> bool:
    return dict(attrs).get("type") in ("submit", "button", "reset")


def raw_texts(source: str) -> Iterator[str]:
    """What a template says in its own words: its text outside of expressions, and constants in
    expressions that are printed and no message."""
    parsed = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(source)
    html = []
    for output in parsed.find_all(nodes.Output):
        for part in output.nodes:
            if isinstance(part, nodes.TemplateData):
                html.append(part.data)
            else:
                html.append(_HOLE.join(["", *map(escape, _printed(part)), ""]))
    page = _Raw()
    page.feed("".join(html))
    yield from page.found


def _printed(node: nodes.Node) -> Iterator[str]:
    """Constants that an expression may print."""
    match node:
        case nodes.Const(value=str(text)):
            yield text
        case nodes.CondExpr():
            yield from _printed(node.expr1)
            if node.expr2 is not None:
                yield from _printed(node.expr2)
        case nodes.Or() | nodes.Concat() | nodes.Add() | nodes.And():
            for part in node.iter_child_nodes():
                yield from _printed(part)
        case nodes.Getitem(node=nodes.Dict() as table):
            for pair in table.items:
                yield from _printed(pair.value)
        case nodes.Filter() if node.node is not None and node.name in ("safe", "upper", "lower"):
            yield from _printed(node.node)
        case _:
            return


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_raw_text(path: Path) -> None:
    assert list(raw_texts(path.read_text())) == []


_SAYING = {"_", "gettext", "ngettext", "mark", "marks"}
_WORDS = re.compile(r"[^\W\d_]{2,}[,;:]? [^\W\d_]|^[A-Z][a-z]+[.!?]$")
"""Two words, or one that ends as a sentence does."""


def raw_strings(source: str) -> Iterator[tuple[int, str]]:
    """Sentences in Python that go around the catalogues: constants of several words that are no
    documentation, no message, nothing for the log and no pattern."""
    tree = ast.parse(source)
    known = set(_unsaid(tree))
    for node in ast.walk(tree):
        if node in known or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str) and _WORDS.search(node.value) and node.value not in KEPT:
            yield node.lineno, node.value


def _unsaid(tree: ast.AST) -> Iterator[ast.AST]:
    """Strings that are said through a catalogue, or to nobody."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as documentation):
                yield documentation
            case ast.Call(func=ast.Name(id=name)) if name in _SAYING:
                yield from ast.walk(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re" | "_log"))):
                yield from ast.walk(node)
            case ast.Raise(exc=ast.Call() as error):  # found by tools/messages
                yield from (part for part in error.args if isinstance(part, ast.Constant))


@pytest.mark.parametrize("path", sorted((HOUSE / "web").rglob("*.py")), ids=lambda path: path.stem)
def test_python_of_pages_has_no_raw_sentence(path: Path) -> None:
    assert list(raw_strings(path.read_text())) == []


_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")
SAME: dict[str, set[str]] = {
    "es": {
        "%(num)s byte", "%(num)s bytes", "%(num)s error", "Chat", "Cortisol", "Error",
        "Estradiol", "Fatal", "Fax", "INR", "Intramuscular", "Nasal", "No", "Normal", "Oral",
        "Plan", "Provisional", "Rectal", "Roles", "Sublingual", "Vaginal", "Video",
        "must support", "no", "video",
    },
    "de": {
        "Albumin", "Amylase", "Apps", "Chat", "Clients", "Code", "Codes", "Cortisol",
        "Cystatin C", "Definition", "Element", "Fatal", "Fax", "Ferritin", "Fibrinogen", "Globulin",
        "INR",
        "Insulin", "Link", "Lipase", "Lipoprotein (a)", "Magnesium", "Name", "Nasal",
        "Normal", "Oral", "Passcode", "Passkeys", "Patient", "Person", "Plan", "Problem",
        "Problem:", "Procalcitonin", "Remission", "Routine", "Status", "Sublingual",
        "Transdermal", "Transferrin", "Troponin I", "Troponin T", "Vaginal", "Version",
        "Version %(version)s", "Version %(version)s, %(when)s", "Video", "Vitamin B12",
        "Vitamin D",
    },
    "ar": {"must support"},
}  # fmt: skip
"""What is the same word in a language as in English; whatever else is alike was forgotten."""


@pytest.fixture(scope="module", params=LANGUAGES_OF_CATALOGUES)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return messages.read(request.param)


def test_every_message_of_the_house_is_in_every_language(catalogue: Catalog) -> None:
    assert [row["id"] for row in messages.missing(catalogue)] == [], "see tools/messages.py"
    wanted = {(one.id, one.context) for one in messages.extract() if one.id}
    assert {(one.id, one.context) for one in catalogue if one.id} == wanted


def test_translations_keep_placeholders_blanks_and_forms(catalogue: Catalog) -> None:
    wrong = []
    for message in catalogue:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        plural = isinstance(message.id, tuple)
        wanted = set(_PLACEHOLDER.findall(ids[-1]))
        for form in forms:
            has = set(_PLACEHOLDER.findall(form))
            # "one patient" and "two patients" may be said without the number
            kept = has == wanted or (plural and has == wanted - {"%(num)s"})
            edges = form == form.strip() or ids[0] != ids[0].strip()
            percents = form.count("%") == len([p for p in _PLACEHOLDER.findall(form) if "%" in p])
            if not kept or not edges or not (percents or "%%" in form or not wanted):
                wrong.append((ids[0], form))
        if len(forms) != (catalogue.num_plurals if plural else 1):
            wrong.append((ids[0], f"{len(forms)} forms"))
    assert wrong == []


def test_nothing_is_left_in_english(catalogue: Catalog) -> None:
    left = {
        text
        for message in catalogue
        for text in (message.string if isinstance(message.string, tuple) else (message.string,))
        if text in (message.id if isinstance(message.id, tuple) else (message.id,))
        and re.search(r"[A-Za-z]{2}", _PLACEHOLDER.sub("", text))
    }
    assert sorted(left - ALIKE - SAME[str(catalogue.locale)]) == []


def test_a_number_is_said_in_each_form_of_arabic() -> None:
    said = {0: "لا مرضى", 1: "مريض واحد", 2: "مريضان", 3: "3 مرضى", 11: "11 مريضًا", 100: "100 مريض"}
    with speaking(Audience("ar")):
        for number, text in said.items():
            assert ngettext("%(num)s patient", "%(num)s patients", number) == text


_COUNTED = re.compile(r"%\((\w+)\)[sd] (?:\w+ )?(?!is\b|has\b|was\b|answers this)[a-z]+s\b")
"""A number before a noun in the plural. What is "at most" is a limit of the house: one number."""
ONE_FORM = {
    "%(name)s answers this.",
    "%(name)s asks you to co-sign",
    "Born at %(weeks)s weeks: below two years the percentiles are by the corrected age.",
    "The file is %(found)s and holds something else besides. Save it anew, and send that.",
    "The request has more than %(count)s characters.",
    "Of the record of %(name)s, to %(today)s, %(years)s years back.",
    "%(count)s times a day is unusually often. Is this what you mean?",
    "%(looked)s of %(count)s value sets of this code system were looked at.",
    "%(count)s patients in a day; the person or its peers had %(usual)s on a full day.",
}
"""No count, or one that is always above ten."""


def test_what_is_counted_has_a_form_for_each_number() -> None:
    """A sentence with a number before a noun is a plural, lest Arabic says five as it says two."""
    left = {
        one.id
        for one in messages.extract()
        if isinstance(one.id, str) and _COUNTED.search(one.id)
        if "at most" not in one.id.lower() and one.id not in ONE_FORM
    }
    assert left == set()


_LITERALS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.S
)
_UNREAD = re.compile(r"^[\[.#:(]|; |=>|\bpx\b|^input:|^SNOMED CT$")
"""Selectors, conditions of styles, cookies, fonts and names."""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_takes_its_words_from_the_page(path: Path) -> None:
    script = re.sub(r"new Error\([^)]*\)", "", path.read_text())  # for who mends it
    literals = [one[1:-1] for one in _LITERALS.findall(script) if one[0] in "\"'`"]
    raw = [re.sub(r"\$\{[^}]*\}", "", one) for one in literals]
    assert [one for one in raw if _WORDS.search(one) and not _UNREAD.search(one)] == []
