"""The machine that figures were taken on, without its name or its paths."""

from __future__ import annotations

import os
import platform
import re
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def describe(packages: Sequence[str] = (), programs: Sequence[Sequence[str]] = ()) -> list[str]:
    """Return lines about hardware, system, load and versions.

    Args:
        packages: Python distributions whose version matters.
        programs: commands that print their version on their first line.
    """
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    lines = [
        f"processor   {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB",
        f"system      {_system()}, Linux {platform.release().split('-')[0]}, {platform.machine()}",
        f"files       {_file_system(Path(tempfile.gettempdir()))}",
        f"load        {load} (1, 5, 15 minutes) before the first run",
        f"Python      {platform.python_version()}, {ssl.OPENSSL_VERSION}",
    ]
    if packages:
        lines.append("packages    " + ", ".join(f"{name} {version(name)}" for name in packages))
    if programs:
        lines.append("programs    " + "; ".join(map(_name_and_version, programs)))
    return lines


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _system() -> str:
    text = Path("/etc/os-release").read_text()
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text, re.MULTILINE)
    return found.group(1) if found else platform.system()


def _file_system(folder: Path) -> str:
    """Return the type of the file system that holds ``folder``: durability costs what it costs there."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(place, kind) for place, kind in mounts if folder.is_relative_to(place)]
    return max(holding, key=lambda pair: len(pair[0]))[1]


def _name_and_version(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    line = (done.stdout or done.stderr).partition("\n")[0]
    version = re.search(r"\d+(\.\d+)+", line)
    return f"{line.split()[0]} {version.group()}" if version else line
