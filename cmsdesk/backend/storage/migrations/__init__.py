"""The database's schema, version after version; forward only. `backend.storage.migrate` runs them.

A file that was released never changes. A new one: `versions/vNNNN_what.py`, its ``down_revision`` the
last one's; it only adds what a replica of the version before can live with, since replicas are
exchanged one by one. `tests/backend/storage` compares the result with the tables' definitions.
"""
