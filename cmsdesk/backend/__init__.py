"""The central service's parts; in this release they run in the desk's own process."""
