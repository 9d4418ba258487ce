"""What stands on nothing: cards, ids, the clock, exact JSON. No AWS, no HTTP."""
