"""The XML codec: what each form of XML becomes in the tree, and what is refused, and where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from careplane.fhir.codec import xml
from careplane.kernel.errors import CareplaneError, Invalid, Malformed, TooLarge

NS = 'xmlns="http://hl7.org/fhir"'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


def patient(inside: str) -> bytes:
    return f"<Patient {NS}>{inside}</Patient>".encode()


BOTH_WAYS: list[tuple[str, dict[str, Any]]] = [
    ('<active value="true"/>', {"active": True}),
    ('<multipleBirthInteger value="2"/>', {"multipleBirthInteger": 2}),
    ('<id value="p1"/>', {"id": "p1"}),
    ('<maritalStatus id="m"><text value="x"/></maritalStatus>',
     {"maritalStatus": {"id": "m", "text": "x"}}),
    ('<extension url="u"><valueDecimal value="1.00"/></extension>',
     {"extension": [{"url": "u", "valueDecimal": Decimal("1.00")}]}),
    ('<birthDate id="b" value="1970"/>', {"birthDate": "1970", "_birthDate": {"id": "b"}}),
    ('<birthDate><extension url="u"><valueCode value="c"/></extension></birthDate>',
     {"_birthDate": {"extension": [{"url": "u", "valueCode": "c"}]}}),
    ('<name><given value="A"/><given id="g"/><given value="C"/></name>',
     {"name": [{"given": ["A", None, "C"], "_given": [None, {"id": "g"}, None]}]}),
    ('<name><given id="g"/><given id="h"/></name>',
     {"name": [{"_given": [{"id": "g"}, {"id": "h"}]}]}),
    ('<contained><Basic><id value="b"/></Basic></contained>',
     {"contained": [{"resourceType": "Basic", "id": "b"}]}),
    (f'<text><status value="empty"/>{DIV}a &lt; b<br/><p></p></div></text>',
     {"text": {"status": "empty", "div": f"{DIV}a &lt; b<br/><p></p></div>"}}),
    ('<name><text value="&quot;a&quot;&#10;&lt;&amp;&gt;&#9;&#13;é😀"/></name>',
     {"name": [{"text": '"a"\n<&>\t\ré😀'}]}),
    ('<contact><name><text value="n"/></name></contact><link><other><reference value="Patient/1"/>'
     '</other><type value="seealso"/></link>',
     {"contact": [{"name": {"text": "n"}}],
      "link": [{"other": {"reference": "Patient/1"}, "type": "seealso"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "tree"), BOTH_WAYS)
def test_xml_and_tree_stand_for_each_other(inside: str, tree: dict[str, Any]) -> None:
    whole = {"resourceType": "Patient", **tree}
    assert xml.parse(patient(inside)) == whole
    assert xml.parse(xml.dump(whole)) == whole
    assert xml.parse(xml.dump(whole, pretty=True)) == whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1.00", Decimal("1.00")),
        ("-0.000", Decimal("-0.000")),
        ("1E-7", Decimal("1E-7")),
        ("1.000000000000000000e-245", Decimal("1.000000000000000000e-245")),
    ],
)
def test_decimals_keep_their_digits(text: str, value: object) -> None:
    raw = patient(f'<extension url="u"><valueDecimal value="{text}"/></extension>')
    got = xml.parse(raw)["extension"][0]["valueDecimal"]
    assert (type(got), str(got)) == (type(value), str(value))


def test_elements_are_written_in_the_order_of_the_standard() -> None:
    tree = {"birthDate": "1970", "_active": {"id": "a"}, "id": "x", "resourceType": "Patient"}
    body = f'<Patient {NS}><id value="x"/><active id="a"/><birthDate value="1970"/></Patient>'
    assert xml.dump(tree) == b'<?xml version="1.0" encoding="UTF-8"?>' + body.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n' + patient('<id value="x"/>'),
        b"<!-- a --> <!-- b -->" + patient('<!-- c --><id value="x"/><!-- d -->') + b"<!-- e -->",
        patient(' <id value="x" /> ').replace(b"Patient ", b"Patient xmlns:q='urn:q' "),
        b'<f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="x"/></f:Patient>',
        f'<Patient {NS} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="a b"><id value="x"/></Patient>'.encode(),
    ],
)
def test_what_is_no_content_does_not_matter(raw: bytes) -> None:
    assert xml.parse(raw) == {"resourceType": "Patient", "id": "x"}


def test_a_narrative_loses_the_prefixes_of_its_document() -> None:
    raw = (
        f'<Patient {NS} xmlns:h="http://www.w3.org/1999/xhtml" xmlns:q="urn:q"><text>'
        '<status value="empty"/><h:div><h:p>a<h:b/></h:p> b</h:div></text></Patient>'
    ).encode()
    assert xml.parse(raw)["text"]["div"] == f"{DIV}<p>a<b></b></p> b</div>"


REFUSED = [
    ("<nme/>", "Patient.nme"),
    ('<name><family value="a"/><famly value="b"/></name>', "Patient.name[0].famly"),
    ('<active value="yes"/>', "Patient.active"),
    ('<multipleBirthInteger value="1.0"/>', "Patient.multipleBirth"),
    ('<gender value="male"/><active value="true"/>', "Patient.active"),
    ('<gender value="male"/><gender value="male"/>', "Patient.gender"),
    ('<gender value="male" note="x"/>', "Patient.gender"),
    ('<gender value=""/>', "Patient.gender"),
    ("<gender/>", "Patient.gender"),
    ("<name/>", "Patient.name[0]"),
    ('<name><given value="a"/></name><name>text</name>', "Patient.name[1]"),
    ('<gender value="male">text</gender>', "Patient.gender"),
    ('<gender value="male"/>text', "Patient"),
    ("<contained/>", "Patient.contained[0]"),
    ("<contained><Basic/><Basic/></contained>", "Patient.contained[0]"),
    ('<contained><Basic><id value="a"/></Basic></contained><contained><Nothing/></contained>',
     "Patient.contained[1]"),
    ('<contained><Basic><foo/></Basic></contained>', "Patient.contained[0].foo"),
    ('<q:name xmlns:q="urn:q"/>', "Patient.name"),
    ('<text><status value="empty"/><div/></text>', "Patient.text.div"),
    ('<extension url="u"><valueDecimal value="NaN"/></extension>', "Patient.extension[0].value"),
    (f'<extension url="u"><valueDecimal value="{"9" * 101}"/></extension>',
     "Patient.extension[0].value"),
    ('<extension url="u"><valueDecimal value="1e400"/></extension>',
     "Patient.extension[0].value"),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "where"), REFUSED)
def test_a_problem_is_reported_with_its_place(inside: str, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        xml.parse(patient(inside))
    assert where in [issue.where for issue in caught.value.issues]


def test_every_problem_is_reported() -> None:
    with pytest.raises(Invalid) as caught:
        xml.parse(patient('<foo/><active value="1"/><name><bar/></name>'))
    assert len(caught.value.issues) == 4  # foo, bar, the name that is empty without it, active


def test_any_order_is_taken_where_one_asks_for_it() -> None:
    raw = patient('<gender value="male"/><active value="true"/>')
    assert xml.parse(raw, ordered=False)["active"] is True


DOCTYPE = b'<!DOCTYPE Patient [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
MALFORMED = {
    "nothing": b"",
    "text": b"hello",
    "json": b'{"resourceType": "Patient"}',
    "cut short": patient("<name>")[:-10],
    "two roots": patient("") + patient(""),
    "doctype": DOCTYPE + patient('<id value="&e;"/>'),
    "doctype behind comments": b"<!-- a -->\n<!-- b -->" + DOCTYPE + patient(""),
    "doctype behind a declaration": b'<?xml version="1.0"?>' + DOCTYPE + patient(""),
    "doctype at the end": patient("") + DOCTYPE,
    "doctype in UTF-16": (DOCTYPE + patient('<id value="&e;"/>')).decode().encode("utf-16"),
    "doctype in UTF-16 without a mark": DOCTYPE.decode().encode("utf-16-le"),
    "entity": patient('<id value="&nbsp;"/>'),
    "instruction before": b"<?go on?>" + patient(""),
    "instruction inside": patient("<?go on?>"),
    "instruction after": patient("") + b"<?go on?>",
    "another encoding": b'<?xml version="1.0" encoding="latin-1"?>' + patient(""),
    "not UTF-8": patient('<id value="\udcff"/>'.replace("\udcff", "?")).replace(b"?", b"\xff"),
    "NUL": patient('<id value="\0"/>'),
    "a reference to NUL": patient('<id value="&#0;"/>'),
    "a prefix of nobody": patient("<x:id/>"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_xml_of_ours_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        xml.parse(MALFORMED[name])


def test_a_root_of_another_namespace_is_invalid() -> None:
    with pytest.raises(Invalid):
        xml.parse(b"<Patient/>")


NESTED = '<extension url="u">{}</extension>'
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(20)
)
HOSTILE: dict[str, tuple[bytes, type[CareplaneError]]] = {
    "10,000 levels": (b"<a>" * 10_000 + b"</a>" * 10_000, TooLarge),
    "60 levels of extensions": (patient('<extension url="u">' * 60 + "</extension>" * 60),
                                TooLarge),
    "billion laughs": (LAUGHS + b"]>" + patient('<id value="&u;"/>'), Malformed),
    "quadratic blow-up": (b'<!DOCTYPE l [<!ENTITY a "' + b"h" * 100_000 + b'">]>'
                          + patient(f'<id value="{"&a;" * 10_000}"/>'), Malformed),
    "2,000,000 elements of a narrative": (
        patient(f'<text><status value="empty"/>{DIV}{"<b/>" * 2_000_000}</div></text>'), TooLarge),
    "10 MB in one attribute": (patient(f'<id value="{"x" * 10_100_000}"/>'), TooLarge),
    "11 MB": (patient(" " * (11 << 20)), TooLarge),
    "100,000 attributes": (patient("<id " + " ".join(f'a{i}="1"' for i in range(100_000)) + "/>"),
                           Invalid),
    "100,000 unknown elements": (patient("<x/>" * 100_000), Invalid),
    "a digit a million times": (patient('<extension url="u"><valueDecimal value="'
                                        + "9" * 1_000_000 + '"/></extension>'), Invalid),
    "a comment without end": (b"<!--" * 1_000_000, Malformed),
    "a declaration without end": (b"<?xml " * 1_000_000, Malformed),
    "10 MB of spaces before": (b" " * 10_000_000 + b"<", TooLarge),
}  # fmt: skip


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused_in_time(name: str) -> None:
    raw, error = HOSTILE[name]
    with pytest.raises(error):
        xml.parse(raw)


UNWRITABLE: list[tuple[dict[str, Any], str]] = [
    ({"resourceType": "Nothing"}, "Nothing"),
    ({}, ""),
    ({"resourceType": "Patient", "foo": 1}, "Patient"),
    ({"resourceType": "Patient", "name": {}}, "Patient.name"),
    ({"resourceType": "Patient", "name": ["x"]}, "Patient.name[0]"),
    ({"resourceType": "Patient", "gender": {}}, "Patient.gender"),
    ({"resourceType": "Patient", "gender": "a\x01"}, "Patient.gender"),
    ({"resourceType": "Patient", "text": {"div": "<div>"}}, "Patient.text.div"),
    ({"resourceType": "Patient", "text": {"div": "<p xmlns='http://www.w3.org/1999/xhtml'/>"}},
     "Patient.text.div"),
    ({"resourceType": "Patient", "text": {"div": f"{DIV}</div><x/>{DIV}</div>"}},
     "Patient.text.div"),
    ({"resourceType": "Patient", "text": {"div": 1}}, "Patient.text.div"),
    ({"resourceType": "Patient", "contained": [{"id": "x"}]}, "Patient.contained[0]"),
    ({"resourceType": "Patient", "contained": [1]}, "Patient.contained[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "where"), UNWRITABLE)
def test_a_tree_that_is_no_resource_is_not_written(tree: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as caught:
        xml.dump(tree)
    assert caught.value.issues[0].where == where


def test_a_tree_without_end_is_not_written() -> None:
    tree: dict[str, Any] = {"url": "u"}
    for _ in range(2000):
        tree = {"url": "u", "extension": [tree]}
    with pytest.raises(TooLarge):
        xml.dump({"resourceType": "Patient", "extension": [tree]})
