"""Countries by their ISO 3166-1 alpha-2 codes, and whose citizens need no residence permit in Italy."""

from __future__ import annotations

_ALL = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
_FREE = """
AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO CH SM VA
"""

CODES = frozenset(_ALL.split())
"""ISO 3166-1, and XK, in common use for Kosovo."""
HOME = "IT"
WITHOUT_PERMIT = frozenset(_FREE.split())
"""The Union; the Economic Area and Switzerland (d.lgs. 30/2007; agreement of 21 June 1999); San Marino and
Vatican City."""


def needs_permit(citizenship: str, country_of_residence: str) -> bool:
    """Tell whether a person shows a residence permit (permesso di soggiorno): domain.md §8."""
    known = citizenship in CODES
    return known and citizenship not in WITHOUT_PERMIT and country_of_residence in ("", HOME)
