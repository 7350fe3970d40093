"""Card operating systems, one file each; `face_for` picks the one a profile names."""

from __future__ import annotations

from cmsdesk.cards.families.base import CardFace, Surroundings
from cmsdesk.cards.families.itacns import ItaCnsFace
from cmsdesk.cards.families.myeid import MyEidFace
from cmsdesk.cards.families.softhsm import SoftHsmFace

FAMILIES: dict[str, type[CardFace]] = {
    "itacns": ItaCnsFace,
    "myeid": MyEidFace,
    "softhsm": SoftHsmFace,
}


def face_for(surroundings: Surroundings) -> CardFace:
    """Return the family's face for the card that ``surroundings`` describe."""
    return FAMILIES[surroundings.profile.family](surroundings)
