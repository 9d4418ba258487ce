"""The trail: append, read, verify."""
