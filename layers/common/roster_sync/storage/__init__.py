"""DynamoDB tables and the stores over them."""
