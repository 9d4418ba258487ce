"""Single-use downloads: a token, and the file it is exchanged for."""
