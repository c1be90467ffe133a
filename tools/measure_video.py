"""From being let in to the first picture of the other: two browsers with made-up cameras.

    python -m tools.measure_video [--visits 20] [--out docs/video-measured.md]

Directly, through coturn and in no other way, and through LiveKit (needs a Chromium, coturn, and
livekit-server or CAREPLANE_LIVEKIT on this machine).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from playwright.sync_api import Browser

from tests import livekit_house, relay_house
from tests.journeys.test_visits_in_a_browser import browser, frame_seconds, meet, sees
from tools.screenshots import served


def main() -> None:
    """Hold so many visits in each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--out", type=Path, help="write the page here")
    options = parser.parse_args()
    rows = []
    with browser() as opened:
        for name, way in _WAYS.items():
            with tempfile.TemporaryDirectory() as folder, way(Path(folder)) as house:
                took = [_visit(house, f"m{n}", opened) for n in range(options.visits + 1)][1:]
            cuts = quantiles(took, n=20)
            rows.append(f"| {name} | {cuts[9] * 1000:.0f} | {cuts[18] * 1000:.0f} |")
    text = _page(options.visits, rows)
    print(text)
    if options.out:
        options.out.write_text(text)


@contextmanager
def _direct(folder: Path) -> Iterator[tuple[str, Path]]:
    data = folder / "data"
    with served(data) as url:
        yield url, data


@contextmanager
def _relayed(folder: Path) -> Iterator[tuple[str, Path]]:
    data = folder / "data"
    with (
        relay_house.coturn(folder) as port,
        served(data, relay_house.settings(port)) as url,
    ):
        yield url, data


@contextmanager
def _through_livekit(folder: Path) -> Iterator[tuple[str, Path]]:
    data = folder / "data"
    with livekit_house.livekit(folder) as server:
        kinds = {"CAREPLANE_LIVEKIT_TYPES": _KIND}
        with served(data, livekit_house.settings(server.port) | kinds) as url:
            yield url, data


_KIND = "group"
_WAYS = {
    "directly": _direct,
    "through a relay alone": _relayed,
    "through LiveKit": _through_livekit,
}


def _visit(house: tuple[str, Path], id: str, opened: Browser) -> float:
    """One visit; what the patient waited, in seconds."""
    kind = [{"coding": [{"code": _KIND}]}]
    doctor, patient = meet(house, id, opened, opened, serviceType=kind)
    for page in (doctor, patient):
        sees(page)
    took = frame_seconds(patient)
    for page in (doctor, patient):
        page.context.close()
    return took


def _page(visits: int, rows: list[str]) -> str:
    return "\n".join(
        [
            "# Until the other is seen",
            "",
            f"Made by `python -m tools.measure_video`: {visits} visits each way, both participants "
            "and the server on one machine; from being let in to the first picture of the other.",
            "",
            "| media go | median, ms | p95, ms |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
