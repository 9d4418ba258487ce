"""The HTTP API: events in, answers out, who is asking, and what a body may hold."""
