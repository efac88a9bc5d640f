"""The variables that look like settings of the service, and are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.settings import Settings
from shared.util.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "IMBI_ASSISTANT_"
_SHARED_PREFIXES = ("IMBI_", "POSTGRES_", "ANTHROPIC_", "SENTRY_", "LOG_", "ENVIRONMENT")
"""Other services read variables with these prefixes too, so only a name that is very like a known one is a mistake."""
_OTHERS = ("IMBI_ASSISTANT_TOKEN", "IMBI_ASSISTANT_SECRETS_MAX_AGE_SECONDS")
"""Variables of the terminal chat, and of secrets by reference."""
_SUFFIXES = ("_SECRET_ARN", "_PARAMETER")
"""The suffixes of variables that refer to a secret."""


def unknown_variables(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each variable that looks like one of the service's, and is none."""
    known = {str(field.alias) for field in Settings.model_fields.values()} | set(_OTHERS)
    for name in sorted(variables):
        base = next((name.removesuffix(each) for each in _SUFFIXES if name.endswith(each)), name)
        if name in known or base in known:
            continue
        if name.startswith(_PREFIX):
            rest = nearest(name.removeprefix(_PREFIX), {each.removeprefix(_PREFIX) for each in known})
            meant = next((each for each in known if rest and each.removeprefix(_PREFIX) == rest), None)
        elif name.startswith(_SHARED_PREFIXES):
            meant = nearest(name, known, is_strict=True)
            if meant is None:
                continue
        else:
            continue
        yield f"{name} is unknown and has no effect.{f' Did you mean {meant}?' if meant else ''}"
