"""The binding of thinking blocks to what stands before them. Page: "Prefix checks on thinking blocks".

A server that stands in for the API signs each thinking block that it sends. The signature holds hashes of the block's
text, of everything before the block's message, and of the thinking block before it. So it can be checked without any
memory, also after a restart, and by a test that has no server at all.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from local.messages_api.references import referenced_names
from local.messages_api.request import blocks, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.messages_api.request import Block, Body, Turn

SIGNED: Final = "EqMB"
"""The beginning of the signatures that are made here; others pass, because only the API can check them."""
_BYTES: Final = 15
"""The length of each hash in a signature."""
_THINKING: Final = frozenset({"thinking", "redacted_thinking"})
_NOTHING: Final = bytes(_BYTES)


@dataclass(frozen=True, slots=True)
class _Signature:
    text: bytes
    prefix: bytes
    previous: bytes


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A thinking block that does not belong where it stands."""

    block: Block

    @property
    def problem(self) -> str:
        """The API's error."""
        return (
            f"{self.block.path}: Invalid `signature` in `thinking` block. The block is bound to a different "
            "conversation. Something before this block has changed since it was generated."
        )


def signature_of(thinking: str) -> str:
    """Return the signature of a thinking block with this text that is bound to nothing."""
    return _encoded(_Signature(_hash(thinking.encode()), _NOTHING, _NOTHING))


def is_signed_text(signature: str, thinking: str) -> bool:
    """Return whether a signature was made here for this very text."""
    signed = _decoded(signature)
    return signed is not None and signed.text == _hash(thinking.encode())


def bound_signatures(body: Body, thoughts: list[str]) -> list[str]:
    """Return the signatures of the thinking blocks, by their texts, of a reply to a request."""
    joined = turns(body)
    if joined and joined[-1].role == "assistant":
        joined = joined[:-1]  # The reply goes on with this message.
    prefix = list(_prefixes(body, joined))[-1]
    refused = {id(mismatch.block.value) for mismatch in mismatches(body)}
    valid = [block for block in _thinking(blocks(body)) if id(block.value) not in refused]
    previous = _hash(str(valid[-1].value["signature"]).encode()) if valid else _NOTHING
    signatures = []
    for thought in thoughts:
        signature = _encoded(_Signature(_hash(thought.encode()), prefix, previous))
        previous = _hash(signature.encode())
        signatures.append(signature)
    return signatures


def mismatches(body: Body) -> list[Mismatch]:
    """Return the thinking blocks that were made behind something else than what stands before them now.

    What is left of a series of thinking blocks is one unbroken run of it.
    """
    if not any(True for _ in _thinking(blocks(body))):
        return []
    found = []
    before: bytes | None = None
    joined = turns(body)
    for turn, prefix in zip(joined, _prefixes(body, joined), strict=False):
        for block in _thinking(turn.blocks):
            signed = _decoded(str(block.value.get("signature")))
            if signed is None or signed.prefix == _NOTHING:
                continue
            if signed.prefix != prefix or before not in {None, signed.previous}:
                found.append(Mismatch(block))
            else:
                before = _hash(str(block.value["signature"]).encode())
    return found


def _prefixes(body: Body, joined: list[Turn]) -> Iterator[bytes]:
    """Yield the hash of everything before each turn, and at last of everything.

    `cache_control`, the order of keys and the spelling of a text as a string or a block do not count; deferred tools
    count from the message on that refers to them. Earlier thinking is bound by its own series, whose beginning may go.
    """
    system = hashlib.sha256(_canonical([_plain(block) for block in _blocks_of(body.get("system"))]))
    tools = [
        (str(tool.get("name")), bool(tool.get("defer_loading")), _canonical(_plain(tool)))
        for tool in body.get("tools") or []
    ]
    referenced: set[str] = set()
    said = hashlib.sha256()
    shown: bytes | None = None
    for turn in [*joined, None]:
        if shown is None:
            digests = [encoded for name, is_deferred, encoded in tools if not is_deferred or name in referenced]
            shown = hashlib.sha256(b"\n".join(digests)).digest()
        yield _hash(system.digest() + shown + said.digest())
        if turn is None:
            return
        shown_blocks = [block for block in turn.blocks if block.kind not in _THINKING]
        said.update(_canonical([turn.role, [_plain(block.value) for block in shown_blocks]]))
        names = {name for block in turn.blocks for name in referenced_names(block.value)}
        if names - referenced:
            referenced |= names
            shown = None


def _plain(part: Body) -> Body:
    """Return a block or tool without its breakpoints."""
    plain = {name: value for name, value in part.items() if name != "cache_control"}
    content = plain.get("content")
    if part.get("type") == "tool_result":
        plain["content"] = [_plain(inner) for inner in _blocks_of(content)]
    return plain


def _blocks_of(content: object) -> list[Body]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _thinking(found: list[Block]) -> Iterator[Block]:
    return (block for block in found if block.kind == "thinking")


def _canonical(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:_BYTES]


def _encoded(signature: _Signature) -> str:
    return SIGNED + base64.b64encode(signature.text + signature.prefix + signature.previous).decode()


def _decoded(signature: str) -> _Signature | None:
    """Read a signature that was made here."""
    if not signature.startswith(SIGNED) or len(signature) != len(SIGNED) + 4 * _BYTES:
        return None
    data = base64.b64decode(signature.removeprefix(SIGNED))
    return _Signature(data[:_BYTES], data[_BYTES : 2 * _BYTES], data[2 * _BYTES :])
