"""Issuing a device (PRO-3): steps a–j over a write-ahead log, and what follows an interruption."""

from cmsdesk.operations.issue.opening import opening_message
from cmsdesk.operations.issue.position import Choice, Position
from cmsdesk.operations.issue.procedure import IssueSettings, Issuing, Outcome, Parts, ProductionOrder

__all__ = [
    "Choice",
    "IssueSettings",
    "Issuing",
    "Outcome",
    "Parts",
    "Position",
    "ProductionOrder",
    "opening_message",
]
