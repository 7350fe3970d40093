"""Municipalities while they are typed: the names that begin so, and the one that Enter takes."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.operations.places import Place, Places

_SHORTEST_PREFIX = 2
_HINTED = 3


class Towns:
    """Hints below the field of the municipality; abroad there are none."""

    def __init__(self, places: Places, rows: Mapping[str, FieldRow]) -> None:
        self._places, self._rows = places, rows

    def hint(self, form: Form) -> None:
        """Show the names that what was typed may become."""
        text = form[paths.MUNICIPALITY]
        hinted = len(text) >= _SHORTEST_PREFIX and not form.lives_abroad
        names = [place.name for place in _near_birth(self._places, form, text, _HINTED)] if hinted else []
        exact = bool(names) and names[0].casefold() == text.strip().casefold()
        self._rows[paths.MUNICIPALITY].set_hint("" if exact else " · ".join(names))

    def completed(self, form: Form) -> str:
        """Return the municipality that what was typed stands for; empty where it is whole, or none is."""
        text = form[paths.MUNICIPALITY]
        self._rows[paths.MUNICIPALITY].set_hint("")
        if len(text) < _SHORTEST_PREFIX or form.lives_abroad or self._places.named(text) is not None:
            return ""
        found = _near_birth(self._places, form, text, 1)
        return found[0].name if found else ""


def _near_birth(places: Places, form: Form, text: str, limit: int) -> list[Place]:
    """Return municipalities, those near the place of birth first: most people live there."""
    born = places.at(form[paths.BIRTH_CODE], None)
    return places.starting(text, limit, born.province if born else "")
