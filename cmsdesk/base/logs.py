"""Structured logs: one JSON object a line, rotating, and only fields that are allowed.

A field that is not in `FIELDS`, or whose value is not of its kind, is a bug that shows at once:
nothing personal or secret can slip in under a new name or inside a sentence.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:/+ «»()-]{1,120}\Z")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")

FIELDS: Mapping[str, re.Pattern[str]] = {
    "atr": _IDENTIFIER,
    "attempt": _NUMBER,
    "ca": _IDENTIFIER,
    "code": _IDENTIFIER,
    "count": _NUMBER,
    "device": _IDENTIFIER,
    "error": _IDENTIFIER,
    "exit_code": _NUMBER,
    "op": _IDENTIFIER,
    "phase": _IDENTIFIER,
    "production": _IDENTIFIER,
    "profile": _IDENTIFIER,
    "reader": _IDENTIFIER,
    "reason": _IDENTIFIER,
    "request": _IDENTIFIER,
    "seconds": _NUMBER,
    "slot": _IDENTIFIER,
    "state": _IDENTIFIER,
    "step": _IDENTIFIER,
    "version": _IDENTIFIER,
    "where": _IDENTIFIER,
}

_MAX_BYTES = 1_000_000
_KEPT_FILES = 5
_ROOT = "cmsdesk"


class Log:
    """The log of one part of the program."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{name}")

    def info(self, event: str, **fields: str | float) -> None:
        """Log what happened."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: str | float) -> None:
        """Log what somebody should look at."""
        self._write(logging.WARNING, event, fields)

    def crash(self, error: BaseException) -> None:
        """Log an unexpected error by its kind and place: never its text, which may quote data."""
        self._write(
            logging.ERROR, "crash", {"error": type(error).__name__, "where": _place(error.__traceback__)}
        )

    def _write(self, level: int, event: str, fields: Mapping[str, str | float]) -> None:
        for name, value in fields.items():
            if name not in FIELDS:
                raise ValueError(f"the log has no field {name!r}")
            if not FIELDS[name].match(str(value)):
                raise ValueError(f"the log's field {name!r} does not take such a value")
        self._logger.log(level, event, extra={"cmsdesk_fields": dict(fields)})


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix(f"{_ROOT}."),
            "event": record.msg,
            **getattr(record, "cmsdesk_fields", {}),
        }
        return json.dumps(line, ensure_ascii=False)


class _OnlyOurs(logging.Filter):
    """Lets through what `Log` wrote: a library's free text may quote anything."""

    def filter(self, record: logging.LogRecord) -> bool:
        return hasattr(record, "cmsdesk_fields")


def start_logging(folder: Path) -> Path:
    """Write logs into ``folder``, at most six files of a megabyte; return the current file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cmsdesk.log"
    _log_to(RotatingFileHandler(path, maxBytes=_MAX_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"))
    return path


def log_to_standard_error() -> None:
    """Write logs to standard error, for whatever started the program to keep."""
    _log_to(logging.StreamHandler())


def _log_to(handler: logging.Handler) -> None:
    handler.setFormatter(_JsonLines())
    handler.addFilter(_OnlyOurs())
    root = logging.getLogger(_ROOT)
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    root.propagate = False


def _place(trace: TracebackType | None) -> str:
    """Return file and line where an error was raised."""
    if trace is None:
        return "unknown"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
