"""Devices in stock and in production: smart cards and USB tokens (REG-12, PRO-5, PRO-7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum


class DeviceKind(Enum):
    """The type of device a holder asks for (REG-12)."""

    SMART_CARD = "smart_card"
    USB_TOKEN = "usb_token"  # noqa: S105 - a kind of device


class KeyAlgorithm(Enum):
    """Key pairs a device can generate."""

    RSA_2048 = "rsa2048"
    RSA_3072 = "rsa3072"
    RSA_4096 = "rsa4096"
    EC_P256 = "ecp256"
    EC_P384 = "ecp384"


class DeviceState(Enum):
    """Where a device is in its life."""

    IN_STOCK = "in_stock"
    IN_PRODUCTION = "in_production"
    RESETTING = "resetting"
    PERSONALISED = "personalised"
    DELIVERED = "delivered"
    SET_ASIDE = "set_aside"


# (from, to): what may follow what
TRANSITIONS: frozenset[tuple[DeviceState, DeviceState]] = frozenset(
    {
        (DeviceState.IN_STOCK, DeviceState.IN_PRODUCTION),
        (DeviceState.IN_PRODUCTION, DeviceState.PERSONALISED),
        (DeviceState.IN_PRODUCTION, DeviceState.RESETTING),
        (DeviceState.RESETTING, DeviceState.IN_STOCK),
        (DeviceState.PERSONALISED, DeviceState.DELIVERED),
        (DeviceState.IN_STOCK, DeviceState.SET_ASIDE),
        (DeviceState.RESETTING, DeviceState.SET_ASIDE),
        (DeviceState.SET_ASIDE, DeviceState.IN_STOCK),
    }
)


@dataclass(frozen=True)
class Device:
    """A device as the body's stock knows it."""

    card_id: str
    """16 characters, as EF.ID_Carta (domain.md §1.1)."""
    kind: DeviceKind
    ca: str
    """Name of the CA it was bought for; only that one may issue on it (PRO-3 b)."""
    lot: str
    certified_until: date
    """Last day of the chip's certification as a qualified signature creation device."""
    state: DeviceState
