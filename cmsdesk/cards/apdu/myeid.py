"""What the MyEID card edge adds to ISO/IEC 7816-4 (Aventra MyEID reference; OpenSC card-myeid.c)."""

from __future__ import annotations

from dataclasses import dataclass

from cmsdesk.cards.apdu.iso7816 import (
    CLA_ISO,
    LE_MAX,
    Command,
    get_data,
    select_application,
)

INS_PUT_DATA = 0xDA
INS_LOGOUT = 0x2E

P1_APPLET = 0x01
P2_APPLET_INFORMATION = 0xA0
P2_FILE_LIST = 0xA1
P2_RSA_MODULUS = 0x01
P2_EC_PUBLIC_KEY = 0x86
P2_INITIALISE_APPLET = 0xE0

AID_PKCS15 = bytes.fromhex("A000000063504B43532D3135")


@dataclass(frozen=True)
class AppletInformation:
    """Version and serial of the chip (GET DATA 01A0, 20 bytes)."""

    major: int
    minor: int
    serial: bytes
    """10 bytes, given at manufacture."""
    change_counter: int

    @classmethod
    def decode(cls, data: bytes) -> AppletInformation:
        """Parse the answer.

        Raises:
            ValueError: not 20 bytes.
        """
        if len(data) != 20:
            raise ValueError(f"applet information of {len(data)} bytes")
        return cls(data[5], data[6], data[8:18], int.from_bytes(data[18:20], "big"))


def select_applet() -> Command:
    """SELECT the PKCS #15 application."""
    return select_application(AID_PKCS15)


def applet_information() -> Command:
    """Ask for version and serial."""
    return get_data(P1_APPLET, P2_APPLET_INFORMATION, 20)


def file_list() -> Command:
    """Ask for the ids, two bytes each, of the files in the current DF."""
    return get_data(P1_APPLET, P2_FILE_LIST, LE_MAX)


def rsa_modulus() -> Command:
    """Ask for the modulus of the selected key file, big-endian."""
    return get_data(P1_APPLET, P2_RSA_MODULUS, LE_MAX)


def ec_public_key() -> Command:
    """Ask for the public point of the selected key file: tag 86, uncompressed."""
    return get_data(P1_APPLET, P2_EC_PUBLIC_KEY, LE_MAX)


def logout() -> Command:
    """Drop every verification of a PIN."""
    return Command(CLA_ISO, INS_LOGOUT, 0x00, 0x00)


def initialise_applet() -> Command:
    """Erase files, keys and PINs and leave the applet in its creation state.

    The access bytes are those that OpenSC's myeid.profile asks for: creation in MF and 5015 by
    PIN 1, erasing by PIN 3, deletion of 5015 by PIN 1.
    """
    access = bytes.fromhex("FFFF113FFF111FFF")
    return Command(CLA_ISO, INS_PUT_DATA, P1_APPLET, P2_INITIALISE_APPLET, access)
