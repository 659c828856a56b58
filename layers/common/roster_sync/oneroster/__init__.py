"""The provider's OneRoster v1.1 REST API."""
