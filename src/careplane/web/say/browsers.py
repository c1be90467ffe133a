"""What a browser calls itself, in two words: `Firefox, Windows`."""

from __future__ import annotations

# The first that is in the text counts: most browsers name others besides themselves.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def say_browser(agent: str) -> str:
    """The words; what the browser says itself where nothing of it is known."""
    found = (_first(table, agent) for table in (_BROWSERS, _SYSTEMS))
    return ", ".join(filter(None, found)) or agent[:60]


def _first(table: tuple[tuple[str, str], ...], agent: str) -> str:
    return next((name for sign, name in table if sign in agent), "")
