"""What everybody can look codes up in: the releases that were loaded, and what R4 ships."""

from __future__ import annotations

import time

from careplane.app import engines
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.terminology.core import CoreLibrary
from careplane.terminology.library import Library, Shelves
from careplane.terminology.releases import Releases


class Terming:
    """One installation's. Nothing is opened before a code is looked up."""

    def __init__(self, settings: Settings, key: Keys) -> None:
        self._releases = Releases(lambda: engines.terminology(settings, key), time.monotonic)

    @property
    def library(self) -> Library:
        """All of it; a release hides what R4 ships of the same version."""
        return Shelves(self._releases, CoreLibrary())

    async def close(self) -> None:
        """Let go of the store, if it was opened."""
        await self._releases.close()
