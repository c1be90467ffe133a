"""Releases of large code systems with the settings of an installation."""

from __future__ import annotations

import time

from careplane.app import engines
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.terminology.releases import Releases


def terming(settings: Settings, key: Keys) -> Releases:
    """One installation's. The store is opened when a code is first looked up."""
    return Releases(lambda: engines.terminology(settings, key), time.monotonic)
