"""The command `cmsdesk-sign`: sign, timestamp, verify, seal, check-seal."""
