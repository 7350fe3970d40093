"""What is short in stock, of the body and of its offices."""

from __future__ import annotations

from cmsdesk.domain.configuration import StockRules, Thresholds
from cmsdesk.domain.stock import Shortage, shortages

DEVICES = [
    {"kind": "smart_card", "state": "in_stock", "office": "a"},
    {"kind": "smart_card", "state": "in_stock"},
    {"kind": "smart_card", "state": "set_aside", "office": "a"},
    {"kind": "usb_token", "state": "in_stock", "office": "b"},
]
CARDS = [{"state": "in_stock", "office": "a"}, {"state": "used", "office": "a"}]


def test_only_what_is_free_counts() -> None:
    rules = StockRules(Thresholds(smart_card=3, usb_token=1, scratch_card=2))
    assert shortages(rules, DEVICES, CARDS) == [
        Shortage(None, "smart_card", 2, 3),
        Shortage(None, "scratch_card", 1, 2),
    ]


def test_an_office_counts_what_lies_there() -> None:
    rules = StockRules(Thresholds(), {"b": Thresholds(smart_card=1, usb_token=1), "a": Thresholds(2, 0, 1)})
    assert shortages(rules, DEVICES, CARDS) == [
        Shortage("a", "smart_card", 1, 2),
        Shortage("b", "smart_card", 0, 1),
    ]


def test_without_thresholds_nothing_is_short() -> None:
    assert shortages(StockRules(), [], []) == []
