"""An archive opens whole under its key; any change, exchange or cut is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cmsdesk.backend.backup import archive as module
from cmsdesk.backend.backup.archive import ArchiveDamaged, extract_archive, read_header, write_archive
from cmsdesk.base.secret import Secret

KEY = b"k" * 32


@pytest.fixture
def made(tmp_path: Path) -> Path:
    content = tmp_path / "content"
    content.write_bytes(os.urandom(3 * module._CHUNK + 17))
    path = tmp_path / "made"
    write_archive(path, {"file": content}, Secret(KEY), {"at": "now"})
    return path


def test_it_comes_back_as_it_was(made: Path, tmp_path: Path) -> None:
    extract_archive(made, Secret(KEY), tmp_path / "out")
    assert (tmp_path / "out" / "file").read_bytes() == (tmp_path / "content").read_bytes()
    assert read_header(made) == {"at": "now"}


def test_another_key_opens_nothing(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveDamaged):
        extract_archive(made, Secret(b"x" * 32), tmp_path / "out")


def damaged(made: Path) -> list[bytes]:
    whole = made.read_bytes()
    head = whole.index(b"\n", len(module._MAGIC)) + 1
    sealed = module._CHUNK + module._TAG
    chunks = [whole[at : at + sealed] for at in range(head, len(whole), sealed)]
    start = whole[:head]
    return [
        start + b"".join(chunks[:-1]),
        start + b"".join([chunks[1], chunks[0], *chunks[2:]]),
        start + b"".join([chunks[0], *chunks[2:]]),
        whole[:-1],
        whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :],
        whole.replace(b"now", b"old", 1),
        whole[:head],
        whole[: len(module._MAGIC) - 1],
        b"",
    ]


@pytest.mark.parametrize("which", range(9))
def test_damage_is_found(made: Path, tmp_path: Path, which: int) -> None:
    made.write_bytes(damaged(made)[which])
    with pytest.raises(ArchiveDamaged):
        extract_archive(made, Secret(KEY), tmp_path / "out")
