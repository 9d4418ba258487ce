"""What changes gift cards, one request at a time."""
