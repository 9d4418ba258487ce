"""The workflow's steps, from the supplier's order to sealed cards."""
