"""Secrets, where we may call, and who may ask."""
