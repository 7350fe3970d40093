"""The fault layer of one reader: what to break, and when. All of it is set over the control socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CUT_BEFORE = "before"
CUT_AFTER = "after"
_PLAIN = ("cut_at", "cut_when", "delay_ms", "memory_full")


@dataclass(slots=True)
class Faults:
    """What is wrong with a reader or the card in it.

    `cut_at`: number of the command unit, counted from 0 since the last counter reset, at which the card is
    pulled; `cut_when`: "before" it takes effect or "after" (the answer is lost). `delay_ms` slows every
    command, `delay_ms_by_ins` those with that INS. `sw_by_ins` answers commands with that INS by a status
    word instead of carrying them out. `atr` replaces the answer to reset at the next insertion.
    `memory_full` makes every allocation on the chip fail with 6A84.
    """

    cut_at: int | None = None
    cut_when: str = CUT_BEFORE
    delay_ms: float = 0.0
    delay_ms_by_ins: dict[int, float] = field(default_factory=dict)
    sw_by_ins: dict[int, int] = field(default_factory=dict)
    atr: bytes | None = None
    memory_full: bool = False

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Faults:
        """Read the form sent over the control socket. Raises `ValueError` for anything unknown."""
        faults = cls()
        for name, value in raw.items():
            if name == "atr":
                faults.atr = bytes.fromhex(value) if value is not None else None
            elif name == "delay_ms_by_ins":
                faults.delay_ms_by_ins = {int(ins): float(ms) for ins, ms in value.items()}
            elif name == "sw_by_ins":
                faults.sw_by_ins = {int(ins): int(sw) for ins, sw in value.items()}
            elif name in _PLAIN:
                setattr(faults, name, value)
            else:
                raise ValueError(f"unknown fault {name}")
        if faults.cut_when not in (CUT_BEFORE, CUT_AFTER):
            raise ValueError("cut_when is before or after")
        return faults

    def delay_s(self, ins: int) -> float:
        """Seconds to wait before a command with that INS is carried out."""
        return (self.delay_ms + self.delay_ms_by_ins.get(ins, 0.0)) / 1000
