"""OpenSC's settings for the sandbox: one file per card driver, chosen by OPENSC_CONF."""

from __future__ import annotations

from pathlib import Path

DRIVER_MYEID = "myeid"
DRIVER_CNS = "itacns"

# key generation re-verifies the PIN from OpenSC's cache; C_InitToken would wipe a MyEID and then fail
_TEMPLATE = """app default {{
    debug = 0;
    card_drivers = {driver};
    reader_driver pcsc {{
        connect_exclusive = false;
        disconnect_action = leave;
        transaction_end_action = leave;
        reconnect_action = leave;
        enable_pinpad = false;
    }}
    framework pkcs15 {{
        use_file_caching = no;
        use_pin_caching = true;
        pin_cache_counter = 100000;
        pin_cache_ignore_user_consent = true;
    }}
}}
app opensc-pkcs11 {{
    pkcs11 {{
        user_pin_unblock_style = init_pin_in_so_session;
        pkcs11_enable_InitToken = no;
        lock_login = false;
    }}
}}
"""


def write_opensc_conf(path: Path, driver: str) -> None:
    """Write the settings that let OpenSC use that one card driver."""
    path.write_text(_TEMPLATE.format(driver=driver), "utf-8")
