"""Gift-card orders, from the supplier to the customer, with no code in plain text on the way."""
