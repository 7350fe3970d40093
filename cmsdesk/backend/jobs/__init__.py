"""What the service does by the clock or tries again; the job table is `backend.storage.jobs`."""
