"""Every screen of the work, in the order of the rail. A screen's module is loaded when it is first opened."""

from __future__ import annotations

from importlib import import_module

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.catalogue import ADMINISTRATION
from cmsdesk.desk.screens.base import Desk, Screen, ScreenKind
from cmsdesk.domain.permissions import Action


def _home(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.home import HomeScreen

    return HomeScreen(desk)


def _holder(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.pages.screens import HolderPage

    return HolderPage(desk)


def _device(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.pages.screens import DevicePage

    return DevicePage(desk)


def _registration(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.registration.screen import RegistrationScreen

    return RegistrationScreen(desk)


def _contact(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.contact import ContactScreen

    return ContactScreen(desk)


def _settings(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.settings import SettingsScreen

    return SettingsScreen(desk)


def _requests(desk: Desk) -> Screen:
    from cmsdesk.desk.screens import list_screen, lists

    return list_screen.ListScreen(desk, lists.REQUESTS)


def _holders(desk: Desk) -> Screen:
    from cmsdesk.desk.screens import list_screen, lists

    return list_screen.ListScreen(desk, lists.HOLDERS)


def _devices(desk: Desk) -> Screen:
    from cmsdesk.desk.screens import list_screen, lists

    return list_screen.ListScreen(desk, lists.DEVICES)


def _certificates(desk: Desk) -> Screen:
    from cmsdesk.desk.screens import list_screen, lists

    return list_screen.ListScreen(desk, lists.CERTIFICATES)


def _notices(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.notices import NoticesScreen

    return NoticesScreen(desk)


def _till(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.till.screen import TillScreen

    return TillScreen(desk)


def _production(desk: Desk) -> Screen:
    from cmsdesk.desk.wizards.issue.pages import ProductionScreen

    return ProductionScreen(desk)


def _delivery(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.delivery.screen import DeliveryScreen

    return DeliveryScreen(desk)


def _card_tools(desk: Desk) -> Screen:
    from cmsdesk.desk.screens.card_tools.screen import CardToolsScreen

    return CardToolsScreen(desk)


def load_ahead() -> None:
    """Load what is soon opened; in a thread, for it takes longer than a window may stand still."""
    for module in ("screens.lists", "screens.registration.screen", "wizards.issue.pages"):
        import_module(f"cmsdesk.desk.{module}")


HOME = "home"
SCREENS: tuple[ScreenKind, ...] = (
    ScreenKind(HOME, N_("Home"), "house", _home, shortcut="Ctrl+1"),
    ScreenKind("holder", N_("Holder"), "users", _holder, (Action.REQUEST_SEE,), rail=False, found=True),
    ScreenKind("device", N_("Device"), "cpu", _device, (Action.STOCK_SEE,), rail=False, found=True),
    ScreenKind(
        "registration",
        N_("Registration"),
        "user-plus",
        _registration,
        actions=(Action.REQUEST_REGISTER,),
        shortcut="Ctrl+2",
    ),
    ScreenKind(
        "requests",
        N_("Requests"),
        "clipboard-list",
        _requests,
        (Action.REQUEST_SEE,),
        shortcut="Ctrl+3",
    ),
    ScreenKind("production", N_("Production"), "id-card", _production, (Action.PRODUCE,), shortcut="Ctrl+4"),
    ScreenKind(
        "delivery", N_("Handing over"), "hand", _delivery, (Action.REQUEST_DELIVER,), shortcut="Ctrl+8"
    ),
    ScreenKind("holders", N_("Holders"), "users", _holders, (Action.REQUEST_SEE,), shortcut="Ctrl+5"),
    ScreenKind("devices", N_("Devices"), "cpu", _devices, (Action.STOCK_SEE,), shortcut="Ctrl+6"),
    ScreenKind(
        "certificates",
        N_("Certificates"),
        "badge-check",
        _certificates,
        (Action.REQUEST_SEE,),
        shortcut="Ctrl+7",
    ),
    ScreenKind(
        "till",
        N_("Till"),
        "banknote",
        _till,
        (Action.REQUEST_PAY, Action.TILL_CLOSE),
        shortcut="Ctrl+9",
    ),
    *ADMINISTRATION,
    ScreenKind(
        "contact", N_("Address for notices"), "pen-line", _contact, (Action.REQUEST_CONTACT,), rail=False
    ),
    ScreenKind("notices", N_("Notices"), "bell", _notices, rail=False),
    ScreenKind("card_tools", N_("Card tools"), "wrench", _card_tools, shortcut="Ctrl+T", foot=True),
    ScreenKind("settings", N_("Settings"), "settings", _settings, shortcut="Ctrl+,", foot=True),
)
