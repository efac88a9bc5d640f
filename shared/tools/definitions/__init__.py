"""Tool definitions in the form that the Messages API accepts."""
