"""The conditions on projects that questions name, such as "written in Go or Python" and "not deprecated"."""

from __future__ import annotations

import re
from typing import NamedTuple

from local.demo_model.grammar import match

_SPLIT = re.compile(
    r",? (?:and|but) (?:that |which )?|, "
    r"| (?=(?:that|which|are|have|has|with|do|does|in|owned|written|use|using|run) )",
    re.IGNORECASE,
)
_NOT = "[that|which] [is|are|do|does|were] [{negation}]"
_FORMS = (
    ("software", f"{_NOT} (written|implemented|built|coded) (in|with|using) {{values}}"),
    ("software", f"{_NOT} (use|using|run on|running on) {{values}}"),
    ("project type", f"{_NOT} (of|have) [the] type {{values}}"),
    ("team", f"{_NOT} (owned by|maintained by|belong to|belonging to|of|from) [the] {{values}}"),
    ("team", "(does|do) [the] {values} [{negation}] (have|own|maintain|run)"),
    ("team", "[the] {values} (has|owns|maintains)"),
    ("team", f"{_NOT} (in|on) [the] {{values}} team"),
    ("environment", f"{_NOT} [deployed|run|running] (in|to) [the] {{values}}"),
    ("score", "[that|which] (have|has|with) a score ({above}|{below}) {number}"),
    ("rank", "[that|which] (have|has|with) the ({best}|lowest|worst) (score|scores)"),
    ("attribute", "[that|which] [do|does] [{negation}] (have|has|with) [{without}] [a|an|any] {attribute}"),
    ("attribute", "[that|which] {without} [a|an|any] {attribute}"),
    ("any", f"{_NOT} {{values}}"),
)


class Condition(NamedTuple):
    """One condition: what it is about, the slots of its form, and its negation."""

    about: str
    slots: dict[str, str]

    @property
    def values(self) -> list[str]:
        """The values of which a project must have one."""
        return [value.strip().strip("\"'`") for value in re.split(" or ", self.slots.get("values", ""))]

    @property
    def is_negated(self) -> bool:
        """Whether a project must not have them."""
        return bool(self.slots.keys() & {"negation", "without"})


def conditions_of(text: str) -> list[Condition] | None:
    """Read the conditions that a text consists of; None if any word of it is not understood."""
    if single := _condition(text):
        return [single]
    for joint in _SPLIT.finditer(text):
        first = _condition(text[: joint.start()])
        if first and (rest := conditions_of(text[joint.end() :])):
            return [first, *rest]
    return None


def _condition(text: str) -> Condition | None:
    for about, form in _FORMS:
        if (slots := match(form, text)) is not None:
            return Condition(about, dict(slots))
    return None
