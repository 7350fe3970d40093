"""Papers for a screen: made in a process of their own, shown by the computer's viewer to be printed.

Making one is heavy Python: in a thread it would stop the window (technology.md §2).
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.documents import papers
from cmsdesk.documents.papers import Paper
from cmsdesk.documents.stationery import Stationery


class NoViewer(Mendable):
    """Nothing on this computer opens a PDF."""

    code = "NO-PDF-VIEWER"
    cause = N_("No program of this computer opens PDF files.")
    next_step = N_("Open the file from this folder with another program: {folder}.")


class Papers:
    """Makes papers and shows them; `close` takes the files away again."""

    def __init__(self, opener: Callable[[Path], bool] | None = None) -> None:
        """``opener`` shows a file and tells whether it could; by default the computer's viewer does."""
        self._opener = opener or _open_with_viewer
        self._pool: ProcessPoolExecutor | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def make(
        self,
        paper: Paper,
        content: object,
        stationery: Stationery,
        now: datetime,
    ) -> bytes:
        """Return a paper; blocks, call it off the window's thread. Raises what `papers.make` raises."""
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context)
        return self._pool.submit(papers.make, paper, content, stationery, now).result()

    def show(self, name: str, content: bytes, suffix: str = "pdf") -> Path:
        """Show a paper or picture under a file name; only this user can read the file.

        Raises:
            NoViewer: the file is there all the same.
        """
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="cmsdesk-")
        path = Path(self._folder.name) / f"{name}.{suffix}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        if not self._opener(path):
            raise NoViewer(folder=str(path.parent))
        return path

    def close(self) -> None:
        """End the process and delete the files."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _open_with_viewer(path: Path) -> bool:
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
