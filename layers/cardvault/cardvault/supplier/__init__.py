"""The supplier's API: its client, its answers, its errors."""
