"""The ledger: entries, what a card may do, and money."""
