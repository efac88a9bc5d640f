"""The one place that decides which addresses the service connects to for external servers.

A host name proves nothing: it can resolve to the cloud's metadata service, and to another address at the next lookup.
So names are resolved here, every address is checked, and the connection goes to a checked address. TLS still verifies
the name. Redirects and token endpoints use the same connections, so they are checked as well.
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

import httpcore2
import httpx2

from shared.util.connections import ONE_CONNECTION

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

# Python's own lists (`is_global` and the like) differ between its versions, so these lists are kept here.
_SPECIAL_IPV4 = tuple(
    map(
        IPv4Network,
        (
            # https://www.iana.org/assignments/iana-ipv4-special-registry
            "0.0.0.0/8",  # this network (RFC 791)
            "10.0.0.0/8",  # private use (RFC 1918)
            "100.64.0.0/10",  # shared address space (RFC 6598); a cloud's metadata service is at 100.100.100.200
            "127.0.0.0/8",  # loopback (RFC 1122)
            "169.254.0.0/16",  # link local (RFC 3927); the clouds' metadata services are at 169.254.169.254
            "172.16.0.0/12",  # private use (RFC 1918)
            "192.0.0.0/24",  # protocol assignments (RFC 6890); a cloud's metadata service is at 192.0.0.192
            "192.0.2.0/24",  # documentation (RFC 5737)
            "192.31.196.0/24",  # AS112 (RFC 7535)
            "192.52.193.0/24",  # AMT (RFC 7450)
            "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
            "192.168.0.0/16",  # private use (RFC 1918)
            "192.175.48.0/24",  # AS112 (RFC 7534)
            "198.18.0.0/15",  # benchmarking (RFC 2544)
            "198.51.100.0/24",  # documentation (RFC 5737)
            "203.0.113.0/24",  # documentation (RFC 5737)
            "240.0.0.0/4",  # reserved, and limited broadcast (RFC 1112, RFC 8190)
            # https://www.iana.org/assignments/multicast-addresses
            "224.0.0.0/4",
            # https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
            "168.63.129.16/32",  # a public address that leads to the platform of the machine itself
        ),
    )
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All global unicast addresses that IANA assigns: https://www.iana.org/assignments/ipv6-address-space.

Outside are, among others, loopback and IPv4-compatible addresses (::/96), unique local (fc00::/7), link local
(fe80::/10), site local (fec0::/10), multicast (ff00::/8), discard only (100::/64), local NAT64 (64:ff9b:1::/48) and
segment routing (5f00::/16).
"""
_SPECIAL_IPV6 = tuple(
    map(
        IPv6Network,
        (
            # https://www.iana.org/assignments/iana-ipv6-special-registry
            "2001::/23",  # protocol assignments (RFC 2928), with Teredo, benchmarking, ORCHID and AS112
            "2001:db8::/32",  # documentation (RFC 3849)
            "2620:4f:8000::/48",  # AS112 (RFC 7534)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)
_EMBEDDED_IPV4 = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped (RFC 4291, section 2.5.5.2)
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80),  # 6to4 (RFC 3056)
)
"""IPv6 networks whose addresses lead to an IPv4 address, and the number of bits to the right of that address."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MAX_HOST_CHARS = 253


class AddressRefused(httpcore2.ConnectError):
    """The service must not connect to the host or to its address."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The hosts and addresses that may be connected to.

    If `hosts` are listed, only these are permitted, at any address; `*.example.com` stands for all hosts below
    example.com. Otherwise every host with a public address is permitted, and with `allows_private` any other as well.
    """

    hosts: tuple[str, ...] = ()
    allows_private: bool = False

    def permits_host(self, host: str) -> bool:
        """Check a host name or address. A malformed host is never permitted."""
        name = host.lower().removesuffix(".")
        if not _is_address(name) and not _labels(name):
            return False
        return not self.hosts or any(_matches(name, pattern) for pattern in self.hosts)

    def permits_address(self, address: str) -> bool:
        """Check an address of a permitted host."""
        return bool(self.hosts) or self.allows_private or is_public(address)


def _labels(name: str) -> list[str]:
    """Split a host name into its labels (RFC 1035, section 2.3.1); empty if the name is malformed."""
    labels = name.split(".") if len(name) <= _MAX_HOST_CHARS else []
    return labels if all(map(_LABEL.fullmatch, labels)) else []


def _is_address(name: str) -> bool:
    try:
        ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str) -> bool:
    """Check a well-formed host against a pattern of the settings."""
    if not pattern.startswith("*."):
        return name == pattern
    labels, parent = _labels(name), _labels(pattern[2:])
    is_below = len(labels) > len(parent) and labels[-len(parent) :] == parent
    return bool(parent) and is_below and not _is_address(name)


def is_public(address: str) -> bool:
    """Check that an address is a public unicast address, also where an IPv6 address leads to an IPv4 address."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        network, shift = next(((each, bits) for each, bits in _EMBEDDED_IPV4 if found in each), (None, 0))
        if network is None:
            return found in _GLOBAL_IPV6 and not any(found in each for each in _SPECIAL_IPV6)
        found = IPv4Address(int(found) >> shift & 0xFFFF_FFFF)
    return not any(found in each for each in _SPECIAL_IPV4)


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to permitted addresses only."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of a host that answers.

        Raises:
            AddressRefused: the host or one of its addresses is not permitted.
        """
        failure: Exception = httpcore2.ConnectError("the host has no address")
        for address in await self._addresses(host, port):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        if not self._policy.permits_host(host):
            raise AddressRefused
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the host's name cannot be resolved") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        # A name with public and private addresses was probably made to circumvent this check, so it is refused.
        if not all(map(self._policy.permits_address, addresses)):
            raise AddressRefused
        return addresses


class _CheckedTransport(httpx2.AsyncHTTPTransport):
    """HTTP over checked connections. Proxies from the environment are not used, because they would connect instead."""

    def __init__(self, policy: AddressPolicy, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # httpx2 has no argument for the network backend.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=_CheckedNetwork(policy),
            max_connections=ONE_CONNECTION.max_connections,
            keepalive_expiry=ONE_CONNECTION.keepalive_expiry,
        )


class Network:
    """Builds transports that connect to permitted addresses only."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._contexts: dict[bool, ssl.SSLContext] = {}

    def transport(self, *, verify: bool = True) -> httpx2.AsyncBaseTransport:
        """Build a transport of one connection, which the caller closes; `verify`: whether certificates are verified."""
        if verify not in self._contexts:
            # Reading the certificates takes milliseconds, so it is done once. SSL_CERT_FILE may name an operator's own.
            self._contexts[verify] = httpx2.create_ssl_context(verify=verify)
        return _CheckedTransport(self._policy, self._contexts[verify])


def is_refused(error: BaseException) -> bool:
    """Check whether an error of the HTTP client was caused by a refused address."""
    return isinstance(error.__cause__, AddressRefused)
