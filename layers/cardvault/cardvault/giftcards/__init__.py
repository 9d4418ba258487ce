"""Gift cards: programs, cards, and the ledger that cannot lose a cent."""
