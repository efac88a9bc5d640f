"""The service's own tables in the graph's schema, and what is deleted from them together with a conversation.

A module with a table has its name as `TABLE` and the statements that create it as `CREATE_TABLE`. Where the service
needs fewer rights than to change all rows, the module has them as `RIGHTS`. If its rows belong
to conversations, the module has a statement `DELETE_OF_CONVERSATION` with the parameter `id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import (
    approvals,
    audit,
    audit_days,
    audit_texts,
    call_intents,
    contents,
    documents,
    feedback,
    frames,
    leases,
    mcp_tools,
    receipts,
    search,
    usage,
    user_limits,
)

if TYPE_CHECKING:
    from uuid import UUID

    from shared.graph.statements import BoundStatement

WITH_TABLES = (
    leases,
    documents,
    contents,
    search,
    receipts,
    call_intents,
    audit_days,
    audit,
    audit_texts,
    approvals,
    frames,
    mcp_tools,
    usage,
    user_limits,
    feedback,
)

OUTLIVING = (call_intents, audit)
"""The modules whose rows stay when their conversation is deleted: the evidence of what tools did."""

_DELETE_OF_CONVERSATION = (
    leases.DELETE_OF_CONVERSATION,
    search.DELETE_OF_CONVERSATION,
    receipts.DELETE_OF_CONVERSATION,
    frames.DELETE_OF_CONVERSATION,
    approvals.DELETE_OF_CONVERSATION,
    user_limits.DELETE_OF_CONVERSATION,
    feedback.DELETE_OF_CONVERSATION,
)


def deletions_of(conversation_id: UUID | str) -> list[BoundStatement]:
    """Return the statements that delete a conversation's rows from all tables."""
    return [statement.bind(id=str(conversation_id)) for statement in _DELETE_OF_CONVERSATION]
