"""AWS Lambda's entry points."""
