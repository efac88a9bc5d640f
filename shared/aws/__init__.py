"""AWS Lambda: the entry points of its functions, and secrets, metrics and traces in AWS."""
