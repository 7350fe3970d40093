"""A driver that is installed and cannot be started: half an installation, or no restart yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmsdesk.cards.pkcs11.token import Token
from cmsdesk.operations.errors import DriverUnloadable


@pytest.mark.parametrize(
    "content", [b"", b"no library", b"\x7fELF" + bytes(60)], ids=["empty", "text", "half"]
)
def test_a_module_that_the_system_cannot_load_is_told_so(tmp_path: Path, content: bytes) -> None:
    module = tmp_path / "libdriver.so"
    module.write_bytes(content)
    with pytest.raises(DriverUnloadable) as refused:
        Token(str(module), "Lettore 1")
    assert refused.value.facts == {"reader": "Lettore 1"}
