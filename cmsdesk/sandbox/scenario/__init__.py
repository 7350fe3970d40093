"""A believable world for the sandbox: bodies, operators, months of registrations, from one file and seed.

Everything goes in by the rules' own commands, at invented times, into the journal; in bulk, not
through receipts. `fill` is what others call.
"""

from cmsdesk.sandbox.scenario.fill import Filled, fill, fill_service, is_filled

__all__ = ["Filled", "fill", "fill_service", "is_filled"]
