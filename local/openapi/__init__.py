"""docs/openapi.yaml, made from the prose in docs/openapi.base.yaml and from the code."""
