"""The memory engine: executes plans by their meaning, keeps nothing, and is the oracle in tests."""

from careplane.storage.engines.memory.ledger import MemoryLedger
from careplane.storage.engines.memory.moving import MemoryMove
from careplane.storage.engines.memory.packages import MemoryPackages
from careplane.storage.engines.memory.state import MemoryState
from careplane.storage.engines.memory.store import MemoryStore
from careplane.storage.engines.memory.terminology import MemoryTerminology

__all__ = [
    "MemoryLedger",
    "MemoryMove",
    "MemoryPackages",
    "MemoryState",
    "MemoryStore",
    "MemoryTerminology",
]
