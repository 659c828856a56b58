"""What the system does, one file per sentence."""
