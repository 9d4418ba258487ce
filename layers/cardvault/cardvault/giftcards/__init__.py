"""Gift cards: programs, cards, and the ledger that can not lose a cent."""
