"""Random documents and random changes of them, in every format that the API of documents takes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.documents_schema import FIELDS, KINDS

if TYPE_CHECKING:
    from random import Random

SECRET = "planted-5ecret-"
_SCALARS = (None, True, False, 0, 1, -3, 2.5, "", "a", "b/c~d", "\u00e4\u2028", "$$ ' \\ {graph}.", 10**20)
_NAMES = ("a", "b", "c/d", "~e", "f g", "0")


@dataclass(frozen=True)
class RandomChange:
    """A call that changes a thing."""

    tool: str
    arguments: dict[str, Any]


def random_thing(random: Random, kind: str, key: str) -> Any:
    """Make a thing of a kind, with a secret now and then."""
    if kind == "lists":
        return [_value(random, 2) for _ in range(random.randrange(4))]
    declared = kind in {"fields", "plain-patched"}
    thing = _fields(random) if declared else {name: _value(random, 3) for name in random.sample(_NAMES, 4)}
    thing.setdefault("title", "A title")
    if not declared and random.random() < 0.3:
        thing["password"] = secret(random)
    if not declared and random.random() < 0.2:
        thing["env"] = [{"name": "DB_PASSWORD", "value": secret(random)}, {"name": "MODE", "value": "x"}]
    return {**thing, KINDS[kind].key: key}


def random_change(random: Random, kind: str, key: str, thing: Any) -> RandomChange:
    """Make a call that changes a thing, removes it, or makes another one."""
    place = {KINDS[kind].key: key}
    tool = kind.replace("-", "_")
    if random.random() < 0.15 and (KINDS[kind].post_schema or KINDS[kind].puts_new):
        return _creation(random, kind, f"{key}-new")
    ways = [way for way, has in (("patch", KINDS[kind].patch), ("put", KINDS[kind].put_schema)) if has]
    way = random.choice([*ways, *ways, "delete"])
    if way == "delete":
        return RandomChange(f"delete_{tool}", place)
    if kind == "fields":
        return RandomChange(f"patch_{tool}", {**place, **_fields(random)})
    if way == "patch" and "patched" in kind:
        return RandomChange(f"patch_{tool}", {**place, "data": _steps(random, thing)})
    other = random_thing(random, kind, key)
    if isinstance(other, dict):
        other.pop("id", None)
        if way == "patch":
            names = random.sample(sorted(other), random.randrange(1, len(other)))
            other = {name: other[name] for name in names}
    return RandomChange(f"{way}_{tool}", {**place, "data": other})


def _creation(random: Random, kind: str, key: str) -> RandomChange:
    tool, name = kind.replace("-", "_"), KINDS[kind].key
    thing = random_thing(random, kind, key)
    if not KINDS[kind].post_schema:
        return RandomChange(f"put_{tool}", {name: key, "data": thing})
    if name != "id":
        return RandomChange(f"make_{tool}", thing)
    del thing["id"]
    return RandomChange(f"make_{tool}", thing if kind == "plain-patched" else {"data": thing})


def secret(random: Random) -> str:
    """Make a secret that can be recognised."""
    return f"{SECRET}{random.randrange(10**9)}"


def foreign(random: Random, thing: Any) -> Any:
    """Change a thing as somebody else would."""
    if isinstance(thing, list):
        return [*thing, "foreign"]
    changed = copy.deepcopy(thing)
    changed[random.choice(("title", "foreign"))] = f"foreign {random.randrange(10**6)}"
    return changed


def _steps(random: Random, thing: dict[str, Any]) -> list[dict[str, Any]]:
    names = [name for name in thing if name not in {"id", "created_at", "updated_at"}]
    name = random.choice(names)
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    if isinstance(thing[name], list) and thing[name] and random.random() < 0.5:
        return [{"op": "remove", "path": f"{path}/0"}, {"op": "add", "path": f"{path}/-", "value": _value(random, 2)}]
    choices = [
        {"op": "replace", "path": path, "value": _value(random, 2)},
        {"op": "add", "path": "/note", "value": _value(random, 2)},
        {"op": "remove", "path": path},
    ]
    return random.sample(choices[:2], random.randrange(1, 3)) if random.random() < 0.7 else choices[2:]


def _fields(random: Random) -> dict[str, Any]:
    values = {
        "title": random.choice("abc"),
        "note": random.choice((None, "a note")),
        "level": random.randrange(3),
        "tags": random.sample("xyz", random.randrange(4)),
        "links": {name: _value(random, 1) for name in random.sample(_NAMES, 2)},
        "deep": {name: _value(random, 2) for name in random.sample(_NAMES, 2)},
    }
    return {name: values[name] for name in random.sample(sorted(FIELDS), random.randrange(1, 6))}


def _value(random: Random, depth: int) -> Any:
    if depth and random.random() < 0.4:
        if random.random() < 0.5:
            return {name: _value(random, depth - 1) for name in random.sample(_NAMES, random.randrange(4))}
        return [_value(random, depth - 1) for _ in range(random.randrange(3))]
    return random.choice(_SCALARS)
