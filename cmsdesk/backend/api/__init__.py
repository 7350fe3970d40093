"""The service's HTTPS interface: mutual TLS, problem+json (RFC 9457), OpenAPI true to the code."""
