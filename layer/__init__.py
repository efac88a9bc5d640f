"""What goes into the Lambda layer beside `shared/`, and what builds it."""
