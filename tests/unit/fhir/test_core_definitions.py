"""R4's conformance resources, whole: what is found, what is taken out, and what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from careplane.fhir.definitions import core
from careplane.fhir.definitions.describe import uses
from tools.generate.artifacts import contents, write

R4 = "http://hl7.org/fhir/"
UNFINISHED = R4 + "StructureDefinition/example-"
"""Two examples of profiles that R4 ships without a snapshot."""


@pytest.mark.parametrize(
    ("type", "url", "name"),
    [
        ("StructureDefinition", R4 + "StructureDefinition/Patient", "Patient"),
        ("StructureDefinition", R4 + "StructureDefinition/bodyheight", "observation-bodyheight"),
        ("ValueSet", R4 + "ValueSet/administrative-gender", "AdministrativeGender"),
        ("CodeSystem", R4 + "administrative-gender", "AdministrativeGender"),
        ("CodeSystem", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "v3.ActCode"),
        ("ConceptMap", R4 + "ConceptMap/cm-administrative-gender-v3", "v3.AdministrativeGender"),
    ],
)
def test_an_artifact_is_found_by_type_and_url(type: str, url: str, name: str) -> None:
    found = core.artifact(type, url)
    assert found is not None
    assert (found["resourceType"], found["url"], found["name"]) == (type, url, name)
    assert core.r4().index[type][url].name == name


@pytest.mark.parametrize(
    ("type", "url"),
    [
        ("StructureDefinition", R4 + "StructureDefinition/Nobody"),
        ("ValueSet", R4 + "StructureDefinition/Patient"),
        ("Patient", R4 + "StructureDefinition/Patient"),
        ("", ""),
    ],
)
def test_what_r4_does_not_have_is_none(type: str, url: str) -> None:
    assert core.artifact(type, url) is None


def test_every_artifact_is_there_with_its_snapshot_and_without_narrative() -> None:
    assert core.urls("StructureDefinition") == tuple(sorted(core.urls("StructureDefinition")))
    for type in core.TYPES:
        assert core.urls(type)
        for url in core.urls(type):
            found = core.artifact(type, url)
            assert found is not None
            assert found["url"] == url
            assert "text" not in found
            assert "mapping" not in found
            if type == "StructureDefinition" and not url.startswith(UNFINISHED):
                assert all("mapping" not in e for e in found["snapshot"]["element"])
    assert core.urls("Patient") == ()


def test_where_an_artifact_is_used() -> None:
    value_set = ("ValueSet", R4 + "ValueSet/administrative-gender")
    patient = ("StructureDefinition", R4 + "StructureDefinition/Patient")
    assert patient in core.r4().used_by(value_set[1])
    assert value_set in core.r4().used_by(R4 + "administrative-gender")
    assert core.r4().used_by("http://nobody.test/uses-this") == ()


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"url": "http://a.test/x"}, ()),
        ({"url": "http://a.test/x", "baseDefinition": "http://b.test/y|1.0"}, ("http://b.test/y",)),
        ({"compose": {"include": [{"valueSet": ["http://b.test/v#part"]}]}}, ("http://b.test/v",)),
        ({"valueString": "http://b.test/ is a site", "system": "urn:oid:1.2"}, ("urn:oid:1.2",)),
        ({"snapshot": {"a": "http://b.test/s"}, "differential": {"a": "urn:x"}}, ("urn:x",)),
        ({"snapshot": {"a": "http://b.test/s"}}, ("http://b.test/s",)),
        ({"text": {"div": "http://b.test/"}, "contact": [{"value": "http://me.test"}]}, ()),
    ],
)
def test_what_a_resource_refers_to(resource: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert uses(resource) == expected


def test_a_file_of_another_form_is_refused_and_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "core.bin"
    file.write_bytes(b"something else, and long enough to have a footer")
    with pytest.raises(RuntimeError, match=r"core\.bin is not a file of artifacts"):
        core.Artifacts(file)
    found = {("ValueSet", "http://a.test/v"): {"resourceType": "ValueSet", "text": 1, "n": 1.5}}
    assert write(file, found)
    assert not write(file, found)
    row = b'{"resourceType":"ValueSet","text":1,"n":1.5}', ("",) * 6, ()
    assert contents(file) == {("ValueSet", "http://a.test/v"): row}
    found["ValueSet", "http://a.test/v"]["n"] = 2
    assert write(file, found)


def test_nothing_is_read_before_the_first_question() -> None:
    program = (
        "from careplane.fhir.definitions import core\n"
        "import sys; print(core.r4.cache_info().currsize, 'zstandard' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, env=os.environ
    )
    assert done.stdout.split() == [b"0", b"False"]
