"""The catalogue is fresh, and a language that is added is spoken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import hatch_build
from careplane.web import render
from careplane.words import catalogues, languages
from careplane.words.audience import Audience, speaking
from tools import messages


def test_the_template_of_the_catalogues_is_fresh() -> None:
    fresh = messages.TEMPLATE.read_bytes() == messages.dump(messages.extract())
    assert fresh, "run python -m tools.messages"


@pytest.mark.parametrize(
    "word", ["Critical high", "Not open to your role", "Vital signs", "Visit", "per min"]
)
def test_words_in_tables_are_extracted(word: str) -> None:
    assert word in messages.extract()


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Catalogues of our own, empty at first."""
    locale = tmp_path / "src/careplane/words/locale"
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "LOCALE", locale)
    monkeypatch.setattr(messages, "TEMPLATE", locale / "careplane.pot")
    monkeypatch.setattr(languages, "LOCALE", locale)
    monkeypatch.setattr(catalogues, "LOCALE", locale)
    memories = (languages.spoken, catalogues.translations, render.environment)
    for memory in memories:
        memory.cache_clear()
    yield locale
    for memory in memories:
        memory.cache_clear()


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["messages", *words])
    messages.main()


def test_a_language_that_is_added_is_spoken(
    workshop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _run(monkeypatch, "ar")
    _run(monkeypatch, "--missing", "ar")
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == len(messages.extract())
    week = next(row for row in rows if row["id"] == "week")
    assert week["plural"] == "weeks"
    assert week["forms"][:4] == ["0", "1", "2", "3, 4, 5, 6"]
    week["forms"] = ["أسبوع", "أسبوع", "أسبوعان", "أسابيع", "أسبوع", "أسبوعًا"]
    here = next(row for row in rows if row["id"] == "Nothing here")
    here["forms"] = ["لا شيء هنا"]
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([week, here]))
    _run(monkeypatch, "--fill", "ar", str(file))
    assert capsys.readouterr().out.startswith("2 ")
    assert languages.negotiate("fr, ar-EG;q=0.8, en;q=0.5") == "ar"
    template = render.environment("ar").from_string(
        "{{ language }} {{ direction }} {{ _('Nothing here') }} {{ _('Patients') }} "
        "{{ ngettext('week', 'weeks', 11) }}"
    )
    with speaking(Audience("ar")):
        assert template.render() == "ar rtl لا شيء هنا Patients أسبوعًا"


def test_what_is_translated_stays_when_messages_are_extracted_anew(
    workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(monkeypatch, "de")
    path = workshop / "de/LC_MESSAGES/careplane.po"
    path.write_text(
        path.read_text().replace('msgid "Visit"\nmsgstr ""', 'msgid "Visit"\nmsgstr "Besuch"')
        + '\nmsgid "No longer said"\nmsgstr "Nicht mehr gesagt"\n'
    )
    _run(monkeypatch)
    assert 'msgid "Visit"\nmsgstr "Besuch"' in path.read_text()
    assert "No longer said" not in path.read_text()
    before = path.read_bytes()
    _run(monkeypatch)
    assert path.read_bytes() == before


def test_a_catalogue_is_compiled_once(tmp_path: Path) -> None:
    source = tmp_path / "src/careplane/words/locale/de/LC_MESSAGES/careplane.po"
    source.parent.mkdir(parents=True)
    source.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n')
    hatch_build.compile_catalogues(tmp_path)
    made = source.with_suffix(".mo")
    first = made.stat().st_ino
    hatch_build.compile_catalogues(tmp_path)
    assert made.stat().st_ino == first
    assert {path.suffix for path in source.parent.iterdir()} == {".po", ".mo"}
