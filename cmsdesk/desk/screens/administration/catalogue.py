"""The administration's screens, in the order of the rail; each is loaded when it is first opened."""

from __future__ import annotations

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.base import Desk, Screen, ScreenKind
from cmsdesk.domain.permissions import Action


def _offices(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.administration.offices import OfficesScreen

    return OfficesScreen(desk)


def _operators(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.administration.operators import OperatorsScreen

    return OperatorsScreen(desk)


def _configuration(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.administration.configuration import ConfigurationScreen

    return ConfigurationScreen(desk)


def _stock(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.administration.stock import StockScreen

    return StockScreen(desk)


def _figures(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.administration.figures import FiguresScreen

    return FiguresScreen(desk)


ADMINISTRATION: tuple[ScreenKind, ...] = (
    ScreenKind(
        "stock",
        N_("Stock"),
        "package",
        _stock,
        (Action.STOCK_SEE,),
        shortcut="Alt+1",
        rail_for=(Action.STOCK_RECEIVE,),
    ),
    ScreenKind(
        "operators",
        N_("Operators"),
        "briefcase",
        _operators,
        (Action.ORGANISATION_SEE,),
        shortcut="Alt+2",
        rail_for=(Action.ORGANISATION_CHANGE,),
    ),
    ScreenKind(
        "offices",
        N_("Sites and offices"),
        "building-2",
        _offices,
        (Action.ORGANISATION_CHANGE,),
        shortcut="Alt+3",
    ),
    ScreenKind(
        "configuration",
        N_("Configuration"),
        "list-checks",
        _configuration,
        (Action.CONFIGURATION_CHANGE,),
        shortcut="Alt+4",
    ),
    ScreenKind(
        "figures",
        N_("Figures"),
        "chart-column",
        _figures,
        (Action.FIGURES_SEE,),
        shortcut="Alt+5",
        rail_for=(Action.ORGANISATION_CHANGE,),
    ),
)
