"""A chip as slow as a real one: timings of `real_chip.toml` for the emulator's slow-card fault."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_FILE = Path(__file__).with_suffix(".toml")
_INS_GENERATE, _INS_SIGN = 0x46, 0x2A
"""GENERATE ASYMMETRIC KEY PAIR and PERFORM SECURITY OPERATION (ISO/IEC 7816-8)."""


@dataclass(frozen=True)
class RealChip:
    """What commands take on one chip, in milliseconds, on top of the emulator's own time."""

    name: str
    generate_ms: float
    sign_ms: float
    command_ms: float

    @classmethod
    def read(cls, path: Path = _FILE) -> Self:
        """Read the timings and their chip's name."""
        return cls(**tomllib.loads(path.read_text("utf-8")))

    @property
    def faults(self) -> dict[str, Any]:
        """The emulator's faults that make it so slow (`cmsdesk.sandbox.card.faults`)."""
        by_ins = {_INS_GENERATE: self.generate_ms, _INS_SIGN: self.sign_ms}
        return {"delay_ms": self.command_ms, "delay_ms_by_ins": by_ins}
