"""The addresses that the service connects to for external servers."""

from __future__ import annotations

import socket

import httpx2
import pytest

from shared.tools.mcp.egress import AddressPolicy, Network, is_public, is_refused
from tests.support.mcp_hosts import scripted, tool, toolset_of

pytestmark = [pytest.mark.anyio, pytest.mark.proves("external.addresses")]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # an address to be refused
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001::1",
        "192.0.0.192",
        "192.0.0.9",
        "192.88.99.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "100.100.100.200",
        "100.127.255.255",
        "168.63.129.16",
        "169.254.170.2",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "233.252.0.1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "fec0::1",
        "fd20:ce::254",
        "100::1",
        "5f00::1",
        "4000::1",
        "2001:2::1",
        "2001:20::1",
        "2001:0:808:808::f7f7:f7f7",
        "2620:4f:8000::1",
        "64:ff9b:1::808:808",
        "64:ff9b::c0a8:101",
        "::ffff:192.0.0.192",
        "::ffff:100.64.0.1",
        "::ffff:0:808:808",
        "2002:c0a8:101::1",
        "2002:c058:6301::1",
        "::8.8.8.8",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:200::1",
        "3ffe::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_a_public_address_is_permitted(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("mcp.example.com", True),
        ("MCP.Example.com.", True),
        ("a.tools.example.com", True),
        ("a.b.tools.example.com", True),
        ("tools.example.com", False),
        ("eviltools.example.com", False),
        ("mcp.example.com.evil.net", False),
        ("example.com", False),
        (".tools.example.com", False),
        ("..tools.example.com", False),
        ("a..tools.example.com", False),
        ("mcp.example.com..", False),
        (".mcp.example.com", False),
        ("-a.tools.example.com", False),
        ("a b.tools.example.com", False),
        ("a/b.tools.example.com", False),
        ("a\0.tools.example.com", False),
        ("a\n.tools.example.com", False),
        ("ä.tools.example.com", False),
        (f"{'a' * 64}.tools.example.com", False),
        (f"{'a.' * 120}tools.example.com", False),
        ("", False),
        (".", False),
    ],
)
def test_hosts_match_patterns_by_whole_labels(host: str, *, is_allowed: bool) -> None:
    policy = AddressPolicy(("mcp.example.com", "*.tools.example.com"))
    assert policy.permits_host(host) is is_allowed
    assert policy.permits_address("10.0.0.1"), "where hosts are listed, that is the operator's will"


@pytest.mark.parametrize("pattern", ["*.", "*..", "*.*", "", ".", "*", "*.0.0.1", "*..example.com"])
@pytest.mark.parametrize("host", ["127.0.0.1", "a.example.com", ".example.com", "", ".", "::1"])
def test_a_malformed_pattern_matches_nothing(pattern: str, host: str) -> None:
    assert not AddressPolicy((pattern,)).permits_host(host)


@pytest.mark.parametrize("host", [".example.com", "a..b", "", "a b", "example.com.."])
def test_a_malformed_host_is_refused_without_a_list_as_well(host: str) -> None:
    assert not AddressPolicy(allows_private=True).permits_host(host)


def test_without_a_list_every_host_is_permitted_at_public_addresses_only() -> None:
    for host in ("anything", "a_b.example.com", "8.8.8.8", "2606:4700::1111", "fe80::1%eth0", "example.com."):
        assert AddressPolicy().permits_host(host)
    assert not AddressPolicy().permits_address("10.0.0.1")
    assert AddressPolicy(allows_private=True).permits_address("10.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_refused_in_every_notation(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        port = listening.getsockname()[1]
        async with httpx2.AsyncClient(transport=Network(AddressPolicy()).transport()) as client:
            with pytest.raises(httpx2.ConnectError) as raised:
                await client.get(f"http://{host}:{port}/")
        assert is_refused(raised.value)
        with pytest.raises(BlockingIOError):
            listening.accept()


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (AddressPolicy(), "The server has an address that the assistant must not connect to."),
        (AddressPolicy(("example.com",), allows_private=True), "The server has an address that the assistant must"),
        (AddressPolicy(("127.0.0.1",)), None),
        (AddressPolicy(allows_private=True), None),
    ],
)
async def test_the_policy_applies_to_servers(policy: AddressPolicy, problem: str | None) -> None:
    async with scripted([tool("x")]) as host, toolset_of(host.node(), policy=policy) as toolset:
        (report,) = await toolset.refresh(5.0)
        assert report.problem == problem or (problem and str(report.problem).startswith(problem))
        assert bool(host.seen) is (problem is None)
