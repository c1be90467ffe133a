"""The package browser: which packages of definitions are here, and what is in them. They are the
same for all tenants and tell of no patient, so whoever has signed in may read them."""

from __future__ import annotations

from careplane.web.pages.packages import artifact, listing
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, Handler], ...] = (
    ("/packages", listing.show),
    ("/packages/package", listing.contents),
    ("/packages/artifact", artifact.show),
    ("/packages/artifact/json", artifact.raw),
)
