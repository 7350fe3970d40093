"""The vault: transport codes, production escrow and scratch-card codes, sealed under an HSM key (PRO-4)."""

from cmsdesk.backend.vault.hsm import Hsm, HsmSettings
from cmsdesk.backend.vault.vault import SealingVault

__all__ = ["Hsm", "HsmSettings", "SealingVault"]
