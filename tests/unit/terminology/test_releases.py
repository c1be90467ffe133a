"""Releases of every format: what becomes of them, and what is said where a file is wrong."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from careplane.kernel.errors import Incorrect, Invalid, NotFound, TooLarge
from careplane.storage.engines.memory import MemoryTerminology
from careplane.terminology.concepts import Concept, Filter, Selection
from careplane.terminology.consumer import consumer_names
from careplane.terminology.importers import NAMES, opened
from careplane.terminology.loading.hierarchy import ordered
from careplane.terminology.loading.loader import load
from careplane.terminology.releases import Releases
from careplane.terminology.stored.concepts import StoredConcepts
from tests import release_files as made

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "atc": {"version": "2026"},
    "loinc": {"version": "2.80"},
    "csv": {
        "url": "http://a.test/codes", "version": "3", "separator": ";", "code": "Id",
        "display": "Bezeichnung", "display.en": "English", "parent": "Über",
        "property.colour": "Farbe", "inactive": "Weg",
    },
}  # fmt: skip
MADE: Mapping[str, Callable[[Path], Path]] = {
    "atc": made.atc, "csv": made.table, "icd10cm": made.icd10cm, "loinc": made.loinc,
    "rxnorm": made.rxnorm, "snomed": made.snomed, "ucum": made.ucum,
}  # fmt: skip


def loaded(format: str, path: Path, scratch: Path, **more: str) -> StoredConcepts:
    """The release, in a store in memory."""

    async def work() -> StoredConcepts:
        store = MemoryTerminology()
        options = {**OPTIONS.get(format, {}), **more}
        done = await load(store, opened(format, path, options), scratch, lambda *_: None)
        found = await Releases(lambda: store, lambda: 0.0).concepts(done.url, done.version)
        assert found is not None
        return found

    return asyncio.run(work())


def found(concepts: StoredConcepts, code: str) -> Concept:
    """One that is there."""
    one = asyncio.run(concepts.find(code))
    assert one is not None
    return one


def said(concept: Concept, property: str) -> list[Any]:
    return [p.value for p in concept.properties if p.code == property]


def below(concepts: StoredConcepts, code: str) -> list[str]:
    selection = Selection((Filter("concept", "descendent-of", code),))
    return list(asyncio.run(concepts.codes(selection)))


def test_every_format_but_fhir_has_its_files_here() -> None:
    assert set(MADE) == set(NAMES) - {"fhir"}


def test_snomed(tmp_path: Path) -> None:
    here = loaded("snomed", made.snomed(tmp_path / "r"), tmp_path)
    assert here.about.canonical == (
        "http://snomed.info/sct|http://snomed.info/sct/900000000000207008/version/20260301"
    )
    stenosis = found(here, made.STENOSIS)
    assert stenosis.display == "Aortic stenosis"
    assert {(d.value, d.use["display"]) for d in stenosis.designations if d.use} == {
        ("Aortic valve stenosis (disorder)", "Fully specified name"),
        ("AS - aortic stenosis", "Synonym"),
        ("Aortic stenosis", "Synonym"),
    }
    assert said(stenosis, made.SITE) == [made.VALVE]
    assert [str(value) for value in said(stenosis, made.COUNT)] == ["1.5"]
    assert said(found(here, made.BOTH), made.COUNT) == [2]
    assert said(stenosis, "semanticTag") == ["disorder"]
    assert found(here, made.HEART).display == "Heart structure"
    assert found(here, made.BOTH).parents == (made.STENOSIS, made.CARDIAC)
    old = found(here, made.OLD)
    assert (old.inactive, old.parents) == (True, ())
    assert below(here, made.CARDIAC) == [made.STENOSIS, made.BOTH]


def test_loinc(tmp_path: Path) -> None:
    here = loaded("loinc", made.loinc(tmp_path / "r"), tmp_path)
    glucose = found(here, "1-8")
    assert glucose.display == "Glucose [Mass/volume] in Blood"
    assert (said(glucose, "SYSTEM"), said(glucose, "METHOD_TYP")) == (["Bld"], [])
    assert [(d.language, d.value) for d in glucose.designations] == [
        ("en", "Gluc"), ("en", "Sugar"), ("de-DE", "Glukose im Blut"),
    ]  # fmt: skip
    assert found(here, "2-6").inactive
    part = found(here, "LP1-1")
    assert (part.display, part.abstract, part.parents) == ("Glucose (part)", True, ("LP9-9",))
    assert below(here, "lp9-9") == ["LP1-1", "1-8"]
    assert said(found(here, "LA2-2"), "LIST") == ["LL1-2"]


def test_rxnorm(tmp_path: Path) -> None:
    here = loaded("rxnorm", made.rxnorm(tmp_path / "r"), tmp_path)
    assert here.about.version == "20AA_260302F"
    assert found(here, "161").display == "acetaminophen"
    drug = found(here, "313782")
    assert drug.display == "acetaminophen 325 MG Oral Tablet"
    assert said(drug, "has_ingredient") == ["161"]
    assert said(drug, "RXN_STRENGTH") == ["325 MG"]
    assert said(found(here, "161"), "STY") == ["T109"]
    assert (found(here, "5").inactive, found(here, "161").inactive) == (True, False)


def test_icd10cm_tabular(tmp_path: Path) -> None:
    here = loaded("icd10cm", made.icd10cm(tmp_path / "r"), tmp_path)
    assert here.about.version == "2026"
    assert below(here, "S40-S49") == ["S42", "S42.0", "S42.00", "S42.00XA", "S42.00XD"]
    whole = found(here, "s42.00xa")
    assert whole.display == "Fracture of unspecified part of clavicle, initial encounter"
    assert (whole.abstract, found(here, "S42.00").abstract) == (False, True)
    assert said(found(here, "S42"), "excludes1") == ["traumatic amputation"]
    lone = found(here, "T07")
    assert (lone.parents, lone.abstract) == (("Chapter-19",), False)
    assert lone.display == "Unspecified multiple injuries"


def test_icd10cm_order(tmp_path: Path) -> None:
    here = loaded("icd10cm", made.icd10cm_order(tmp_path / "r"), tmp_path)
    assert below(here, "S42") == ["S42.0", "S42.001A"]
    leaf = found(here, "S42.001A")
    assert (leaf.parents, leaf.display) == (("S42.0",), "Fracture of right clavicle, initial")
    assert (said(leaf, "header"), said(leaf, "short")) == (["false"], ["Fx r clavicle, init"])


def test_atc(tmp_path: Path) -> None:
    here = loaded("atc", made.atc(tmp_path / "r"), tmp_path)
    metformin = found(here, "A10BA02")
    assert (metformin.display, metformin.parents) == ("metformin", ("A10BA",))
    assert said(metformin, "ddd") == ["2 g", "1 g"]
    assert said(metformin, "note") == ["a note"]
    assert below(here, "A")[-1] == "A10BA02"


def test_ucum(tmp_path: Path) -> None:
    here = loaded("ucum", made.ucum(tmp_path / "r"), tmp_path)
    about = here.about
    assert (about.version, about.content, about.supplements) == (
        "2.2", "supplement", "http://unitsofmeasure.org",
    )  # fmt: skip
    inch = found(here, "[in_i]")
    assert (inch.display, [d.value for d in inch.designations]) == ("inch", ["zoll"])
    assert (said(inch, "definition"), said(inch, "metric")) == (["2.54 cm"], ["false"])
    assert asyncio.run(here.find("k")) is None


def test_a_table(tmp_path: Path) -> None:
    here = loaded("csv", made.table(tmp_path / "r"), tmp_path)
    second = found(here, "B")
    assert (second.display, second.parents, second.inactive) == ("Zwei; tes", ("A",), True)
    assert [(d.language, d.value) for d in second.designations] == [("en", "Second")]
    assert said(found(here, "A"), "colour") == ["rot"]


def test_a_release_is_read_in_its_archive(tmp_path: Path) -> None:
    made.snomed(tmp_path / "r")
    archive = tmp_path / "release.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in (tmp_path / "r").rglob("*.txt"):
            file.write(path, path.relative_to(tmp_path))
    assert found(loaded("snomed", archive, tmp_path), made.HEART).display == "Heart structure"


WRONG = {
    "snomed": [
        ("Snapshot/Terminology/sct2_Concept_Snapshot_INT_20260301.txt", "id\tactive\r\nx\t1\r\n",
         "sct2_Concept_Snapshot_INT_20260301.txt, line 2: this is no SNOMED CT identifier"),
        ("Snapshot/Terminology/sct2_Concept_Snapshot_INT_20260301.txt", "id\r\n1234567\r\n",
         "line 1: there is no column active"),
        ("Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20260301.txt", "", "no column"),
        ("Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20260301.txt",
         "id\tactive\tconceptId\tlanguageCode\ttypeId\tterm\r\n1\t1\t99999999\ten\t"
         "900000000000013009\tx\r\n", "a concept that it does not list: 99999999"),
    ],
    "loinc": [("LoincTable/Loinc.csv", "LOINC_NUM\r\nabc\r\n", "no LOINC code")],
    "rxnorm": [("rrf/RXNCONSO.RRF", "1|2\r\n", "line 1: 18 columns are expected")],
    "icd10cm": [("icd10cm_tabular_2026.xml", "<a><b></a>", "is no XML")],
    "atc": [("atc.csv", "ATC code,ATC level name\r\nA1,x\r\n", "line 2: 'A1' is no ATC code")],
    "ucum": [("ucum-essence.xml", "<a/>", "not the UCUM essence")],
    "csv": [
        ("codes.csv", "Id;Bezeichnung\r\nA;x;y\r\n", "there is no column"),
        ("codes.csv", "Id;Bezeichnung;English;Über;Farbe;Weg\r\nA;x\r\n", "6 columns are expected"),
        ("codes.csv", "Id;Bezeichnung;English;Über;Farbe;Weg\r\nA;;;B;;\r\n", "such as B"),
        ("codes.csv", "Id;Bezeichnung;English;Über;Farbe;Weg\r\nA;;;B;;\r\nB;;;A;;\r\n", "cycle"),
        ("codes.csv", "Id;Bezeichnung;English;Über;Farbe;Weg\r\nA;;;;;\r\nA;;;;;\r\n", "before"),
        ("codes.csv", "Id;Bezeichnung;English;Über;Farbe;Weg\r\n", "no concepts"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("format", "file", "text", "words"),
    [(format, *case) for format, cases in WRONG.items() for case in cases],
)
def test_what_is_wrong_is_named(
    format: str, file: str, text: str, words: str, tmp_path: Path
) -> None:
    folder = MADE[format](tmp_path / "r")
    (folder / file).write_bytes(text.encode())
    with pytest.raises(Incorrect) as caught:
        loaded(format, folder, tmp_path)
    assert words in caught.value.text


@pytest.mark.parametrize("raw", [b"\xff\xfe;;\n", b'"' + b"x" * (2 << 20), b"Id\0\n" * 3])
def test_bytes_that_are_no_text_are_refused(raw: bytes, tmp_path: Path) -> None:
    folder = made.table(tmp_path / "r")
    (folder / "codes.csv").write_bytes(raw)
    with pytest.raises(Incorrect):
        loaded("csv", folder, tmp_path)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    folder = made.rxnorm(tmp_path / "r")
    (folder / "rrf" / "RXNCONSO.RRF").write_bytes(b"x" * (3 << 20))
    with pytest.raises(Invalid, match="bytes"):
        loaded("rxnorm", folder, tmp_path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        opened("snomed", tmp_path / "none", {})
    with pytest.raises(NotFound, match="sct2_Concept"):
        opened("snomed", tmp_path, {})
    with pytest.raises(Incorrect, match="no format"):
        opened("icd9", tmp_path, {})
    with pytest.raises(Incorrect, match="no option"):
        opened("ucum", made.ucum(tmp_path / "u"), {"colour": "red"})


@pytest.mark.parametrize("tree", [
    {"resourceType": "ValueSet"}, {"resourceType": "CodeSystem", "content": "complete"},
    {"resourceType": "CodeSystem", "url": "u", "content": "supplement"}, [],
])  # fmt: skip
def test_a_resource_must_be_a_code_system(tree: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(tree))
    with pytest.raises(Invalid):
        opened("fhir", tmp_path, {})


@pytest.mark.parametrize("code", ["", " a", "a\tb", "x" * 1001, "a\x1fb"])
def test_codes_that_cannot_be_are_refused(code: str) -> None:
    with pytest.raises(Invalid):
        ordered([(code, ())])


def test_two_codes_are_not_one_but_for_case(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "a.csv").write_text("Id\na\nA\n")
    with pytest.raises(Invalid, match="case"):
        loaded("fhir", _system(folder, ["a", "A"]), tmp_path)


def _system(folder: Path, codes: list[str]) -> Path:
    tree = {
        "resourceType": "CodeSystem", "url": "http://a.test/c", "content": "complete",
        "caseSensitive": False, "concept": [{"code": code} for code in codes],
    }  # fmt: skip
    (folder / "a.json").write_text(json.dumps(tree))
    return folder


def test_a_hierarchy_may_be_deep_and_may_not_be_a_knot() -> None:
    size = 50_000
    chain = ordered((f"c{n}", (f"c{n - 1}",) if n else ()) for n in range(size))
    assert chain.places[f"c{size - 1}"] == size - 1
    assert list(chain.runs[0]) == [1, size]
    with pytest.raises(Invalid, match="cycle"):
        ordered((f"c{n}", (f"c{(n + 1) % 10}",)) for n in range(10))


def test_a_hierarchy_with_more_runs_than_can_be_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setattr("careplane.terminology.loading.hierarchy._MOST_RUNS", 1_000)
    tops, leaves = [f"t{n}" for n in range(40)], range(200)
    listed = [(top, ()) for top in tops]
    with pytest.raises(TooLarge):
        ordered([*listed, *((f"l{n}", tops if n % 2 else tops[:1]) for n in leaves)])


def test_tests_have_names_for_people_who_are_no_clinicians(tmp_path: Path) -> None:
    async def work() -> dict[str, str]:
        store = MemoryTerminology()
        release = opened("loinc", made.loinc(tmp_path / "release"), OPTIONS["loinc"])
        library = Releases(lambda: store, lambda: 0.0)
        assert await consumer_names(library, ["1-8"]) == {}
        await load(store, release, tmp_path, lambda *_: None)
        later = Releases(lambda: store, lambda: 0.0)
        return await consumer_names(later, ["1-8", "2-6", "9-9"])

    assert asyncio.run(work()) == {"1-8": "Sugar"}
