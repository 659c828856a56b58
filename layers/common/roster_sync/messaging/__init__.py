"""SQS: the shape of each message, and sending."""
