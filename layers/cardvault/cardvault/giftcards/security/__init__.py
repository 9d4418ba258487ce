"""Card numbers and security codes: sealed, found by a keyed hash, and guarded."""
