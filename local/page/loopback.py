"""Checks that a request comes from this machine and from no other site's page."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from fastapi import Request


def is_from_this_machine(request: Request) -> bool:
    """Return whether the client and the Host header are loopback addresses, and no other site sent the request.

    The Host header matters because of DNS rebinding: a foreign site can point its own name to 127.0.0.1 and then read
    the response.
    """
    client = request.client
    if client is None or not _is_loopback(client.host) or not _is_loopback(_host_name(request)):
        return False
    return request.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}


def _host_name(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
