"""Time inside the smart card stack, for any number of processes: see stopwatch.c."""

from __future__ import annotations

import mmap
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_name("stopwatch.c")
_LIBRARY = "libpcsclite.so.1"
_MODULE = "module.so"
_COUNTERS = struct.Struct("7q")
_MODULES = (
    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib64/opensc-pkcs11.so",
)


@dataclass(frozen=True)
class Reading:
    """What the stopwatch says; differences of two readings are what happened between them."""

    commands: int
    """APDUs handed to PC/SC, in all readers."""
    reader_s: float
    """Inside PC/SC calls: service, reader, card."""
    reader_in_module_s: float
    """The part of it that a PKCS #11 module called."""
    module_calls: int
    module_s: float
    """Inside PKCS #11 calls, PC/SC included."""
    ca_calls: int
    ca_s: float
    """From sending a request to the CA to having read its answer (see measured_service.py)."""

    @property
    def module_own_s(self) -> float:
        """The PKCS #11 module's own work: its calls without the PC/SC calls it made."""
        return self.module_s - self.reader_in_module_s

    def since(self, earlier: Reading) -> Reading:
        """Return what was added since ``earlier``."""
        return Reading(
            self.commands - earlier.commands,
            self.reader_s - earlier.reader_s,
            self.reader_in_module_s - earlier.reader_in_module_s,
            self.module_calls - earlier.module_calls,
            self.module_s - earlier.module_s,
            self.ca_calls - earlier.ca_calls,
            self.ca_s - earlier.ca_s,
        )


class Stopwatch:
    """A built stopwatch; processes started with `environment` are measured."""

    def __init__(self, folder: Path) -> None:
        """Build it in ``folder``. Needs gcc, which the installer brings."""
        self._folder = folder
        folder.mkdir()
        library = folder / _LIBRARY
        defines = [f'-DREAL_PCSC="{_real_pcsc()}"', f'-DREAL_MODULE="{real_module()}"']
        build = ["gcc", "-O2", "-shared", "-fPIC", f"-Wl,-soname,{_LIBRARY}", *defines]
        subprocess.run([*build, "-o", library, _SOURCE, "-ldl"], check=True)
        # the loader takes two names of one file for one library, which the two halves need
        (folder / _MODULE).symlink_to(_LIBRARY)
        self._file = folder / "counters"
        self._file.write_bytes(bytes(_COUNTERS.size))
        with self._file.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _COUNTERS.size)

    @property
    def module(self) -> Path:
        """The stand-in for OpenSC's PKCS #11 module."""
        return self._folder / _MODULE

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to be measured."""
        return {"LD_LIBRARY_PATH": str(self._folder), "STOPWATCH": str(self._file)}

    def read(self) -> Reading:
        """Return the counters now."""
        commands, reader, in_module, calls, module, ca_calls, ca = _COUNTERS.unpack(self._shared)
        return Reading(commands, reader / 1e9, in_module / 1e9, calls, module / 1e9, ca_calls, ca / 1e9)

    def drivers(self, original: Path) -> Path:
        """Return a copy of the card profiles in which every OpenSC module is the stand-in."""
        copy = self._folder / "drivers"
        shutil.copytree(original, copy)
        for profile in copy.glob("*.toml"):
            text = profile.read_text("utf-8")
            profile.write_text(
                re.sub(r'"/usr/lib/[^"]*/opensc-pkcs11\.so"', f'"{self.module}"', text), "utf-8"
            )
        return copy


def real_module() -> str:
    """Return the path of OpenSC's PKCS #11 module."""
    return next(path for path in _MODULES if Path(path).is_file())


def _real_pcsc() -> str:
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^\s*{re.escape(_LIBRARY)} .*=> (\S+)$", cache, re.MULTILINE)
    if found is None:
        raise FileNotFoundError(_LIBRARY)
    return found.group(1)
