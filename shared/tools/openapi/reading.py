"""The present state of the thing at a path of the API, read with a caller's own rights."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from shared.domain.errors import ToolError
from shared.tools.openapi.request import ApiRequest
from shared.tools.openapi.response import output_of
from shared.util.threads import run_sized

if TYPE_CHECKING:
    from shared.domain.models import Caller
    from shared.domain.ports import ToolOutput
    from shared.tools.openapi.client import ApiClient
    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.snapshot import Snapshot

_MAX_BYTES = 65_536


async def read_state(
    snapshot: Snapshot, api: ApiClient, path_template: str, path: str, caller: Caller
) -> ToolOutput | None:
    """Get a path; None if the document has no such operation that the caller may use, or no answer came."""
    operation = _get_of(snapshot, path_template)
    if operation is None or not caller.principal.may(operation.permissions):
        return None
    request = ApiRequest("get", path, unquote(path, errors="replace"), has_slashes="%2f" in path.lower())
    name = operation.definition.name
    try:
        snapshot.check_address(operation, request)
        response = await api.send(request, lambda: snapshot.engine.run(name), token=caller.token, max_bytes=_MAX_BYTES)
    except ToolError:
        return None
    return await run_sized(len(response.body), output_of, response, caller.token)


def _get_of(snapshot: Snapshot, path_template: str) -> Operation | None:
    return next(
        (each for each in snapshot.operations.values() if each.method == "get" and each.path == path_template), None
    )
