"""The rules of the Messages API, and a server of it whose replies a program decides.

    problems({"model": "claude-sonnet-4-6", "max_tokens": 10, "messages": []})
    # ['messages: at least one message is required']

`server` and the tests' scripted model server both refuse with these rules the requests that the API refuses. One
module holds one family of rules; each rule is a function from a request's body to the messages of the errors that the
API would answer with 400. The name in quotation marks in a rule's docstring is the page of the API's documentation
(platform.claude.com/docs) that says so.
"""

from local.messages_api.errors import ApiError
from local.messages_api.rules import problems

__all__ = ["ApiError", "problems"]
