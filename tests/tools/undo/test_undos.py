"""Undos in the cases that random changes do not reach: other moments, other users, failing readings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response

from shared.domain.errors import ToolError
from shared.domain.models import Caller, Principal
from tests.support.random_changes import SECRET
from tests.support.undo_world import undo_world, without_times

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.domain.receipts import Receipt
    from tests.support.undo_world import UndoWorld

OTHER = Caller(Principal("other@example.com", "Otto", is_admin=True), "other-token")


@pytest.fixture
async def world() -> AsyncIterator[UndoWorld]:
    async with undo_world() as made:
        yield made


async def patched(world: UndoWorld, kind: str = "patched", **thing: Any) -> Receipt:
    """Change the title of a thing and return the receipt."""
    world.api.things[kind]["one"] = {"id": "one", "title": "Old", **thing}
    steps = [{"op": "replace", "path": "/title", "value": "New"}]
    output = await world.change(f"patch_{kind}", id="one", data=steps if kind == "patched" else {"title": "New"})
    assert output.receipt is not None
    return output.receipt


async def slow() -> Response:
    await asyncio.Event().wait()
    return Response()


@pytest.mark.parametrize(
    "reading",
    [
        slow,
        lambda: Response(b'"' + b"x" * 70_000 + b'"', media_type="application/json"),
        lambda: JSONResponse({"detail": "broken"}, 500),
        lambda: JSONResponse({"detail": "forbidden"}, 403),
        lambda: Response(b"{", media_type="application/json"),
        lambda: Response(b'{"a": NaN}', media_type="application/json"),
        lambda: Response(b"[" * 60_000, media_type="application/json"),
        lambda: Response(b"\xff\xfe", media_type="application/json"),
        lambda: Response(status_code=302, headers={"Location": "http://elsewhere.example.com/"}),
    ],
    ids=["slow", "huge", "error", "forbidden", "cut", "nan", "deep", "bytes", "redirect"],
)
@pytest.mark.proves("receipts.harmless")
async def test_a_reading_never_harms_its_call(world: UndoWorld, reading: Any) -> None:
    """Neither the reading before nor the one after; the slow one costs its time limit once, before the call."""
    world.api.things["patched"]["one"] = {"id": "one", "title": "Old"}
    world.api.reading = reading
    steps = [{"op": "replace", "path": "/title", "value": "New"}]
    output = await world.change("patch_patched", id="one", data=steps)
    assert (output.is_error, output.receipt) == (False, None)
    assert len(world.api.effects) == 1
    assert world.api.things["patched"]["one"]["title"] == "New"


@pytest.mark.proves("receipts.undo")
async def test_an_undo_has_the_entity_tag_of_what_it_saw(world: UndoWorld) -> None:
    receipt = await patched(world)
    assert not (await world.undo(receipt)).is_error
    [condition] = world.api.sent_conditions
    assert condition.startswith('"')


@pytest.mark.proves("receipts.refusals")
async def test_a_change_between_the_reading_and_the_undo_is_not_overwritten(world: UndoWorld) -> None:
    receipt = await patched(world)
    thing = world.api.things["patched"]["one"]

    def meanwhile() -> Response:
        answer = world.api.shown(thing)
        world.api.things["patched"]["one"] = {**thing, "title": "Of somebody else"}
        world.api.reading = None
        return answer

    world.api.reading = meanwhile
    refused = await world.undo(receipt)
    assert refused.is_error
    assert "412" in str(refused.content)
    assert world.api.things["patched"]["one"]["title"] == "Of somebody else"


@pytest.mark.proves("receipts.refusals")
async def test_an_undo_without_effect_can_be_tried_again(world: UndoWorld) -> None:
    receipt = await patched(world)
    world.api.refuses_changes = True
    assert (await world.undo(receipt)).is_error
    world.api.refuses_changes = False
    assert not (await world.undo(receipt)).is_error
    assert world.api.things["patched"]["one"]["title"] == "Old"


@pytest.mark.proves("receipts.once")
async def test_two_undos_at_once_act_once(world: UndoWorld) -> None:
    """Without entity tags, so that only the receipt's mark prevents the second one."""
    world.api.has_etags = False
    receipt = await patched(world)
    world.api.effects.clear()
    ends = await asyncio.gather(*(world.undo(receipt) for _ in range(5)))
    assert [end.is_error for end in ends].count(False) == 1
    assert len(world.api.effects) == 1


@pytest.mark.proves("receipts.own-only")
async def test_a_receipt_of_another_user_does_not_exist(world: UndoWorld) -> None:
    receipt = await patched(world)
    assert "has no receipt" in str((await world.undo(receipt, OTHER)).content)


@pytest.mark.proves("receipts.refusals", "receipts.no-secrets")
async def test_a_changed_secret_cannot_be_put_back(world: UndoWorld) -> None:
    world.api.things["merged"]["one"] = {"id": "one", "title": "Old", "client_secret": f"{SECRET}1"}
    output = await world.change("patch_merged", id="one", data={"title": "New", "client_secret": f"{SECRET}2"})
    assert output.receipt is not None
    assert {"path": "/client_secret", "is_secret": True} in output.receipt.changes
    assert "a secret was changed" in str((await world.undo(output.receipt)).content)
    assert world.api.things["merged"]["one"]["title"] == "New"


@pytest.mark.proves("receipts.undo")
async def test_a_secret_that_did_not_change_stays(world: UndoWorld) -> None:
    receipt = await patched(world, password=f"{SECRET}1")
    assert not (await world.undo(receipt)).is_error
    assert without_times(world.api.things["patched"]["one"]) == {
        "id": "one",
        "title": "Old",
        "password": f"{SECRET}1",
    }


@pytest.mark.proves("receipts.undo")
async def test_a_new_thing_is_deleted_again(world: UndoWorld) -> None:
    output = await world.change("make_patched", data={"title": "New"})
    assert output.receipt is not None
    assert (output.receipt.kind, output.receipt.obstacle) == ("created", "")
    assert not (await world.undo(output.receipt)).is_error
    assert world.api.things["patched"] == {}


@pytest.mark.proves("receipts.refusals")
async def test_a_thing_that_existed_is_not_deleted(world: UndoWorld) -> None:
    """A POST that answers 200 may have changed what was there: it is changed back, or it is said that it cannot be."""
    first = await world.change("make_fields", slug="a", title="First")
    second = await world.change("make_fields", slug="a", title="Second")
    assert first.receipt is not None
    assert second.receipt is not None
    assert (first.receipt.kind, second.receipt.kind) == ("created", "changed")
    assert not (await world.undo(second.receipt)).is_error
    assert world.api.things["fields"]["a"]["title"] == "First"


@pytest.mark.proves("receipts.undo")
async def test_what_a_replacement_made_is_deleted_again(world: UndoWorld) -> None:
    output = await world.change("put_settings", key="a b/c", data={"on": True})
    assert output.receipt is None, "the address of this key leads elsewhere"
    output = await world.change("put_settings", key="new one", data={"on": True})
    assert output.receipt is not None
    assert output.receipt.kind == "created"
    assert not (await world.undo(output.receipt)).is_error
    assert "new one" not in world.api.things["settings"]


@pytest.mark.proves("receipts.undo")
async def test_a_thing_in_an_envelope_is_put_back(world: UndoWorld) -> None:
    world.api.envelope = "data"
    receipt = await patched(world)
    assert receipt.changes == ({"path": "/title", "before": "Old", "after": "New"},)
    assert not (await world.undo(receipt)).is_error
    assert world.api.things["patched"]["one"]["title"] == "Old"


@pytest.mark.proves("receipts.no-secrets")
async def test_a_secret_in_a_list_is_shown_as_hidden(world: UndoWorld) -> None:
    world.api.things["merged"]["one"] = {"id": "one", "title": "Old", "keys": []}
    output = await world.change("patch_merged", id="one", data={"keys": [{"name": "a", "token": f"{SECRET}1"}]})
    assert output.receipt is not None
    assert {"path": "/keys", "before": [], "after": [{"name": "a", "token": "(hidden)"}]} in output.receipt.changes


@pytest.mark.proves("receipts.event")
async def test_parallel_changes_of_one_thing_have_a_receipt_each(world: UndoWorld) -> None:
    world.api.things["patched"]["one"] = {"id": "one", **dict.fromkeys("abcdef", 0)}
    outputs = await asyncio.gather(
        *(
            world.change("patch_patched", id="one", data=[{"op": "replace", "path": f"/{name}", "value": 1}])
            for name in "abcdef"
        )
    )
    changes = [output.receipt.changes for output in outputs if output.receipt is not None]
    assert changes == [({"path": f"/{name}", "before": 0, "after": 1},) for name in "abcdef"]


@pytest.mark.proves("receipts.refusals")
@pytest.mark.parametrize("arguments", [{}, {"id": ""}, {"id": 7}, {"id": "x" * 100}, {"id": "unknown"}])
async def test_a_call_without_a_known_receipt_is_refused(world: UndoWorld, arguments: Any) -> None:
    with pytest.raises(ToolError, match="receipt"):
        await world.undoing.call("undo_change", arguments, OTHER)
