"""E-mail to customers: what it says, how it is sent, and what became of it."""
