"""SoftHSM2 tokens for the sandbox's vault and mailer. Their PINs are kept apart from them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cmsdesk.base.secret import Secret

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
CONF_VARIABLE = "SOFTHSM2_CONF"


class SoftHsm:
    """A folder of SoftHSM2 tokens."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and its configuration, unless they are there."""
        tokens = folder / "tokens"
        tokens.mkdir(parents=True, exist_ok=True)
        self.conf = folder / "softhsm2.conf"
        self.conf.write_text(
            f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )

    def use(self) -> None:
        """Have this process's SoftHSM2 read these tokens; before the module is loaded."""
        os.environ[CONF_VARIABLE] = str(self.conf)

    def create_token(self, label: str, pin: Secret) -> None:
        """Make a token; its security officer's PIN is random and forgotten."""
        with Secret.random_digits(16) as so_pin:
            # softhsm2-util takes PINs as arguments only; the sandbox's PINs guard invented data.
            subprocess.run(
                [
                    "softhsm2-util",
                    "--init-token",
                    "--free",
                    f"--label={label}",
                    f"--so-pin={so_pin.reveal_text()}",
                    f"--pin={pin.reveal_text()}",
                ],
                check=True,
                capture_output=True,
                env={**os.environ, CONF_VARIABLE: str(self.conf)},
                timeout=30,
            )
