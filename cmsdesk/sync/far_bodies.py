"""Creating bodies over HTTPS: the service decides, the desk asks (ORG-1)."""

from __future__ import annotations

from cmsdesk.domain.shapes import plain
from cmsdesk.operations.administration import NewBody
from cmsdesk.sync.http import Connection


class FarBodies:
    """`operations.administration.Bodies` under the mandate that the connection works under."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, new: NewBody) -> None:
        """Create a body; its administrator signs in with their card from then on.

        Raises:
            ServiceUnreachable, NotAllowed, AlreadyThere, BadFacts.
        """
        self._connection.call("POST", "/bodies", plain(new))
