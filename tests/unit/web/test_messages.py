"""The words of the pages: the catalogue is fresh, and a language that is added is spoken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import hatch_build
from careplane.web import i18n, render
from tools import messages


def test_the_template_of_the_catalogues_is_fresh() -> None:
    assert messages.TEMPLATE.read_bytes() == messages.dump(messages.extract()), (
        "run python -m tools.messages"
    )


@pytest.mark.parametrize("word", ["Critical high", "Not open to your role", "Vital signs", "Visit"])
def test_words_in_tables_are_extracted(word: str) -> None:
    assert word in messages.extract()


def test_a_language_that_is_added_is_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locale = tmp_path / "src/careplane/web/locale"
    monkeypatch.setattr(messages, "LOCALE", locale)
    monkeypatch.setattr(messages, "TEMPLATE", locale / "careplane.pot")
    monkeypatch.setattr(i18n, "LOCALE", locale)
    monkeypatch.setattr(sys, "argv", ["messages", "ar"])
    for memory in (i18n.languages, i18n.translations, render.environment):
        memory.cache_clear()
    try:
        messages.main()
        catalogue = locale / "ar/LC_MESSAGES/careplane.po"
        text = catalogue.read_text()
        catalogue.write_text(
            text.replace(
                'msgid "Nothing here"\nmsgstr ""', 'msgid "Nothing here"\nmsgstr "لا شيء هنا"'
            )
        )
        hatch_build.compile_catalogues(tmp_path)
        assert i18n.negotiate("de, ar;q=0.8, en;q=0.5") == "ar"
        template = render.environment("ar").from_string(
            "{{ language }} {{ direction }} {{ _('Nothing here') }} {{ _('Patients') }}"
        )
        assert template.render() == "ar rtl لا شيء هنا Patients"
    finally:
        for memory in (i18n.languages, i18n.translations, render.environment):
            memory.cache_clear()
