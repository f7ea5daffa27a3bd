"""Shards for training, and the ledger of which document went into which."""
