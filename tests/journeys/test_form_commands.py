"""`careplane forms add`, twice: the second time it is brought up to date."""

from __future__ import annotations

import json
from pathlib import Path

from tools.bench import server


def test_a_form_is_added_and_brought_up_to_date(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server.command("init", data=data)
    for _ in range(2):
        said = json.loads(server.command("forms", "add", "phq-9", "--json", data=data))
        assert said["id"] == "phq-9"
