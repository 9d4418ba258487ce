"""The order: its record, its states, and every step that moves it."""
