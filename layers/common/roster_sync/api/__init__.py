"""The settings API: routes, schemas, problem details."""
