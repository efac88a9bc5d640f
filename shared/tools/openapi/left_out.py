"""The operations that are left out although the document lets models use them. Edit the set to change it."""

from __future__ import annotations

from typing import Final

LEFT_OUT: Final = frozenset(
    {
        # The editor's marker of who is typing, renewed every few seconds while a page is open.
        "heartbeat_document_editing",
        "clear_document_editing",
        # The UI's measure of who reads a document for how long.
        "record_read_events",
        # Steps of a sign-in that only a browser can take: the user connects accounts on the settings page.
        "start_connect",
        "poll_connect",
        "callback_identity",
        # Templates from which the UI makes the lines of its lists.
        "list_plugin_ops_log_templates",
        # Files' contents, which the model sees as bytes at best; get_upload_meta describes them.
        "get_upload",
        # Reports of other services: the gateway's pushes, the assistant's own health checks, a build's parts list.
        "ingest_drift_notes",
        "report_mcp_server_status",
        "put_release_sbom",
    }
)
"""Names of tools. Thumbnails and the like are left out by their path, see `exclusions`."""
