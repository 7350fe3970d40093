"""Certificate authorities, one file per way of talking to one."""
