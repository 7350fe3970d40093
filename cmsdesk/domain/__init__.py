"""The rules, pure: requests, devices, scratch cards, certificates and the tables of their states."""
