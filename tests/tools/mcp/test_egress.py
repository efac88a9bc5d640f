"""What external servers' URLs may lead to, checked on the address that is connected to."""

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
    ],
)
def test_addresses_that_are_not_public_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_known(address: str) -> None:
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
    ],
)
def test_allowed_hosts_are_meant_as_they_are_written(host: str, *, is_allowed: bool) -> None:
    policy = AddressPolicy(("mcp.example.com", "*.tools.example.com"))
    assert policy.permits_host(host) is is_allowed
    assert policy.permits_address("10.0.0.1"), "where hosts are listed, that is the operator's will"


def test_without_a_list_every_host_may_be_asked_and_none_at_a_private_address() -> None:
    assert AddressPolicy().permits_host("anything")
    assert not AddressPolicy().permits_address("10.0.0.1")
    assert AddressPolicy(allows_private=True).permits_address("10.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_not_connected_to_however_it_is_written(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        port = listening.getsockname()[1]
        async with httpx2.AsyncClient(transport=Network(AddressPolicy()).transport()) as client:
            with pytest.raises(httpx2.ConnectError) as raised:
                await client.get(f"http://{host}:{port}/")
        assert is_refused(raised.value)
        with pytest.raises(TimeoutError):
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
async def test_servers_are_held_to_the_policy(policy: AddressPolicy, problem: str | None) -> None:
    async with scripted([tool("x")]) as host, toolset_of(host.node(), policy=policy) as toolset:
        (report,) = await toolset.refresh(5.0)
        assert report.problem == problem or (problem and str(report.problem).startswith(problem))
        assert bool(host.seen) is (problem is None)
