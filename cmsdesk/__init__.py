"""cmsdesk: issue and manage smart cards and signatures at a registration desk."""

__version__ = "0.1.0"
