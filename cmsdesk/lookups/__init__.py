"""Look-ups in registers and tables outside cmsdesk."""
