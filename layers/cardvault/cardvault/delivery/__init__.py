"""Into the customer's hands: mail, the claim link and its page, downloads."""
