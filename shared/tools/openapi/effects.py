"""What the operations of an OpenAPI document do to data: they read, write or destroy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.tools.openapi.secrets import changes_credentials

if TYPE_CHECKING:
    from shared.domain.call_facts import Effect
    from shared.tools.openapi.document import RawOperation

_READS = frozenset({"get", "head"})


def effect_of(raw: RawOperation, *, has_secret_result: bool) -> Effect:
    """Classify an operation by its method, by its mark `x-imbi-destructive`, and by what it does to credentials.

    GET and HEAD read (RFC 9110, section 9.2.1). Every other method changes something, even where an API uses POST to
    search: the document does not tell the difference. Operations that make, replace or revoke credentials are as
    serious as deletions.
    """
    if raw.is_destructive or raw.method == "delete":
        return "destructive"
    if raw.method in _READS:
        return "read"
    return "destructive" if has_secret_result or changes_credentials(raw) else "write"
