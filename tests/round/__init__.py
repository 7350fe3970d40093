"""The proof of the main job: whole rounds, every cut, secrets and errors, on the real stack."""
