"""The order: its record, its owner, and what its owner may do with it."""
