"""The repositories of one graph, built together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph.approvals import Approvals
from shared.graph.audit_trail import AuditTrail
from shared.graph.contents import Contents
from shared.graph.conversations import Conversations
from shared.graph.documents import DocumentCache
from shared.graph.erasure import Erasure
from shared.graph.feedback import FeedbackTable
from shared.graph.fences import Fences
from shared.graph.frames import Frames
from shared.graph.leases import Leases
from shared.graph.mcp_servers import MCPServers
from shared.graph.mcp_tools import AcceptedMcpTools
from shared.graph.message_pages import MessagePages
from shared.graph.principals import Principals
from shared.graph.receipts import Receipts
from shared.graph.retention import Retention
from shared.graph.search import ConversationSearch
from shared.graph.turns import Turns
from shared.graph.usage import UsageTable
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.graph.connector import Graph


class Repositories:
    """One repository for each kind of data that the service stores in the graph or reads from it."""

    def __init__(self, graph: Graph, api_url: str, now: Callable[[], datetime] = clock.now) -> None:
        """Build the repositories; `api_url` names the OpenAPI document that is cached, `now` ends approvals."""
        self.conversations = Conversations(graph)
        self.search = ConversationSearch(graph)
        self.message_pages = MessagePages(graph)
        self.contents = Contents(graph)
        self.turns = Turns(graph, now)
        self.approvals = Approvals(graph)
        self.receipts = Receipts(graph)
        self.leases = Leases(graph)
        self.frames = Frames(graph)
        self.fences = Fences(graph)
        self.audit = AuditTrail(graph)
        self.usage = UsageTable(graph)
        self.feedback = FeedbackTable(graph)
        self.erasure = Erasure(graph)
        self.retention = Retention(graph)
        self.principals = Principals(graph)
        self.mcp_servers = MCPServers(graph)
        self.mcp_tools = AcceptedMcpTools(graph)
        self.api_document = DocumentCache(graph, api_url)
