"""A witness as a process of its own: its server, which needs no data folder and no database."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from careplane.app.dispatch import App
from careplane.kernel.clock import system_clock
from careplane.ledger.formats import keys
from careplane.ledger.witness.server import application
from careplane.ledger.witness.witness import StateFile, Witness

_ENVIRONMENT = "CAREPLANE_WITNESS"


def serve(state: Path, logs: Sequence[keys.VerifierKey], host: str, port: int) -> None:
    """Listen until told to stop. Raises Conflict where another process has the state."""
    file = StateFile(state)
    file.hold()
    os.environ[_ENVIRONMENT] = json.dumps({"state": str(state), "logs": list(map(str, logs))})
    try:
        Granian(
            "careplane.app.witnessing:create",
            factory=True,
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            loop=Loops.uvloop,
            workers=1,
            respawn_failed_workers=True,
            log_level=LogLevels.warning,
        ).serve()
    finally:
        file.release()


def create() -> App:
    """The application of the one worker."""
    told = json.loads(os.environ[_ENVIRONMENT])
    logs = [keys.parse_verifier(one) for one in told["logs"]]
    return application(Witness(StateFile(Path(told["state"])), logs, system_clock))
