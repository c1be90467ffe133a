"""What a file is: told by its bytes, compared with what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplane.records.files.checking import check, clean, file_name
from careplane.records.files.kinds import BY_MEDIA, KINDS, PDF
from careplane.records.files.refusal import FileRefused, Why
from careplane.records.files.sniffing import sniff
from tests.file_house import CDA, DICOM, FILES, GIF, JPEG, ZIP_END, png, riff
from tests.file_house import PDF as PDF_FILE


@pytest.mark.parametrize("name", FILES)
def test_each_kind_is_told_by_its_bytes(name: str) -> None:
    media, data = FILES[name]
    assert sniff(data).media == media
    for claim in (media, media.upper() + "; charset=utf-8", "", "application/octet-stream"):
        assert check(name, claim, data).media == media


def test_every_kind_is_in_the_table() -> None:
    assert {media for media, _ in FILES.values()} == set(BY_MEDIA)
    assert len(BY_MEDIA) == len(KINDS)


LIES = {
    "a page as an image": ("a.png", "image/png", b"<html><script>alert(1)</script>", Why.ACTIVE),
    "a page with a mark": ("a.txt", "text/plain", b"\xef\xbb\xbf<!DOCTYPE html>", Why.ACTIVE),
    "a drawing with a script": ("a.svg", "image/svg+xml", b"<svg onload='x'/>", Why.ACTIVE),
    "a drawing as text": ("a.txt", "text/plain", b"  \n<svg xmlns='x'/>", Why.ACTIVE),
    "XML that is no document": ("a.xml", "text/xml", b"<a/>", Why.ACTIVE),
    "XML with entities": ("a.xml", "text/xml", b'<!DOCTYPE a [<!ENTITY e "x">]>' + CDA, Why.ACTIVE),
    "XML with a style sheet": (
        "a.xml", "text/xml", CDA.replace(b"\n", b'<?xml-stylesheet href="x"?>'), Why.ACTIVE),
    "XML that is cut off": ("a.xml", "text/xml", CDA[:-5], Why.ACTIVE),
    "a program": ("a.png", "image/png", b"MZ\x90\0" + b"\0" * 60, Why.OTHER),
    "a program as a document": ("a.pdf", "application/pdf", b"\x7fELF\2\1\1", Why.OTHER),
    "a script": ("a.txt", "text/plain", b"#!/bin/sh\nrm -rf /", Why.OTHER),
    "an archive": ("a.docx", "", b"PK\3\4" + b"\0" * 60, Why.OTHER),
    "an Apple image": ("a.heic", "image/heic", b"\0\0\0\x18ftypheic" + b"\0" * 20, Why.OTHER),
    "a PDF as an image": ("a.png", "image/png", PDF_FILE, Why.TYPE),
    "an image as a PDF": ("a.pdf", "application/pdf", JPEG, Why.TYPE),
    "an image under another name": ("a.pdf", "image/png", png(), Why.ENDING),
    "a PDF under the name of a program": ("a.pdf.exe", "application/pdf", PDF_FILE, Why.ENDING),
    "an image under the name of a page": ("a.png.html", "image/png", png(), Why.ENDING),
    "an image that ends as an archive": ("a.gif", "image/gif", GIF + ZIP_END, Why.MIXED),
    "a PDF that ends as an archive": ("a.pdf", "application/pdf", PDF_FILE + ZIP_END, Why.MIXED),
    "an image with a PDF": ("a.jpg", "image/jpeg", JPEG + PDF_FILE, Why.MIXED),
    "an image with a script": ("a.png", "image/png", png(text=b"<script>x()"), Why.MIXED),
    "an image and more": ("a.png", "image/png", png() + b"more", Why.MIXED),
    "a scan that is a program": ("a.dcm", "", b"MZ" + DICOM[2:], Why.MIXED),
    "an image without an end": ("a.png", "image/png", png()[:-12], Why.DAMAGED),
    "a photo without an end": ("a.jpg", "image/jpeg", JPEG[:-2], Why.DAMAGED),
    "a PDF without an end": ("a.pdf", "application/pdf", PDF_FILE[:60], Why.DAMAGED),
    "a sound that is cut off": ("a.wav", "audio/wav", riff(b"WAVE")[:18], Why.DAMAGED),
    "nothing": ("a.png", "image/png", b"", Why.EMPTY),
    "bytes": ("a.bin", "", b"\x00\x01\x02\x03", Why.UNKNOWN),
    "text in another encoding": ("a.txt", "text/plain", b"Gr\xf6\xdfe", Why.UNKNOWN),
    "text with an escape": ("a.txt", "text/plain", b"\x1b[2J", Why.UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("case", LIES)
def test_what_lies_is_refused(case: str) -> None:
    name, claim, data, why = LIES[case]
    with pytest.raises(FileRefused) as caught:
        check(name, claim, data)
    assert caught.value.why is why, caught.value.text
    assert "{" not in caught.value.text


def test_every_reason_is_in_the_table() -> None:
    assert {why for *_, why in LIES.values()} == set(Why)


@given(st.binary(max_size=400))
def test_whatever_comes_is_told_or_refused(data: bytes) -> None:
    try:
        kind = sniff(data)
    except FileRefused:
        return
    assert kind in KINDS


@given(st.sampled_from(sorted(FILES)), st.binary(max_size=40), st.binary(max_size=40))
def test_what_stands_around_a_file_is_told_or_refused(name: str, head: bytes, tail: bytes) -> None:
    try:
        kind = sniff(head + FILES[name][1] + tail)
    except FileRefused:
        return
    assert kind in KINDS


NAMES = {
    "C:\\Users\\me\\report.pdf": "report.pdf",
    "../../etc/passwd": "passwd",
    "..": "",
    ".htaccess": "htaccess",
    "a\u202efdp.exe": "afdp.exe",
    "a\r\nSet-Cookie: x.pdf": "a Set-Cookie x.pdf",
    'x"><img src=q onerror=alert(1)>.png': "ximg src=q onerror=alert(1).png",
    "Größe رسالة.pdf": "Größe رسالة.pdf",
    "a\0b.pdf": "ab.pdf",
    "x" * 300 + ".jpeg": "x" * 95 + ".jpeg",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_cleaned(name: str) -> None:
    assert clean(name) == NAMES[name]


@given(st.text(max_size=300))
def test_a_clean_name_stays_as_it_is(name: str) -> None:
    once = clean(name)
    assert clean(once) == once
    assert len(once) <= 100
    assert once.isprintable()
    assert file_name(name, PDF).endswith(".pdf")
