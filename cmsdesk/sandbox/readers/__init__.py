"""Private PC/SC stacks: a pcscd of one's own with virtual readers, and the emulator behind them."""
