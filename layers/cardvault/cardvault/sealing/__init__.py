"""Data keys, the sealed format, and opening what was sealed."""
