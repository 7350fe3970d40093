"""The sandbox judged by third parties' tools: OpenSC's drivers and programs, pcscd, openssl."""
