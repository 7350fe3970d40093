"""A test certification authority that speaks the EJBCA REST protocol, with CRL, OCSP and fault controls.

A process of its own: ``python -m cmsdesk.sandbox.pki``. It shares no code with `cmsdesk.ca`.
"""
