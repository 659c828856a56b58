"""Bring each district's users from its OneRoster provider into DynamoDB."""
