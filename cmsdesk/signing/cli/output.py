"""What the command prints: lines for people, or a JSON object a line for programs; progress on a terminal."""

import json
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from cmsdesk.signing.errors import SigningError
from cmsdesk.signing.sentences import sentence

_PROGRESS_PERIOD_S = 0.2
_LABEL_WIDTH = 40


class Output:
    """Prints results on `stream`, progress and errors on `notes`.

    Args:
        json_lines: print records instead of lines.
        quiet: no progress and no lines; errors and records are still printed.
        language: of lines and errors; records are in English.
    """

    def __init__(
        self,
        *,
        json_lines: bool = False,
        quiet: bool = False,
        language: str = "it",
        stream: TextIO | None = None,
        notes: TextIO | None = None,
    ) -> None:
        self.json = json_lines
        self._quiet = quiet
        self.language = language
        self._stream = stream or sys.stdout
        self._notes = notes or sys.stderr
        self._shown = 0.0
        self._width = 0

    def say(self, english: str, **values: object) -> None:
        """Print one of the library's sentences as a line for people."""
        self.line(sentence(english, self.language, **values))

    def line(self, text: str) -> None:
        """Print a line for people."""
        if not self.json and not self._quiet:
            self._clear()
            print(text, file=self._stream, flush=True)

    def record(self, entry: Mapping[str, object]) -> None:
        """Print a JSON object for programs."""
        if self.json:
            print(json.dumps(entry, ensure_ascii=False), file=self._stream, flush=True)

    def progress(self, done: int, total: int | None, label: str = "") -> None:
        """Show how far the work has come, a few times a second, on a terminal only."""
        now = time.monotonic()
        if self._quiet or not self._notes.isatty() or now - self._shown < _PROGRESS_PERIOD_S:
            return
        self._shown = now
        count = f"{done}/{total}" if total is not None else f"{done}"
        text = f"{count}  {label[-_LABEL_WIDTH:]}"
        self._notes.write("\r" + text.ljust(self._width))
        self._notes.flush()
        self._width = len(text)

    def error(self, error: SigningError, subject: str = "") -> None:
        """Tell an error: cause, next step, and in JSON its code and facts."""
        if self.json:
            self.record({"error": error.as_json(), **({"document": subject} if subject else {})})
            return
        self._clear()
        where = f"{subject}: " if subject else ""
        print(f"{where}{error.told(self.language)}", file=self._notes, flush=True)

    def _clear(self) -> None:
        if self._width:
            self._notes.write("\r" + " " * self._width + "\r")
            self._notes.flush()
            self._width = 0
