"""Everything about one person or one device: the past, certificates, documents, what can be done now."""
