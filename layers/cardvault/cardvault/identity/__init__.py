"""API clients, access tokens, and the principal behind a request."""
