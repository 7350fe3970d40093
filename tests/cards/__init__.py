"""Smart cards: on the emulated chip through real PC/SC and OpenSC, on SoftHSM, on a real card by request."""
