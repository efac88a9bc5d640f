"""Secrets by reference: variables that name a secret or a parameter instead of containing its value.

For each variable of `SECRETS`, such as `POSTGRES_URL`, there are two more:

- `POSTGRES_URL_SECRET_ARN` names a secret of AWS Secrets Manager, by ARN or name. If the secret is a JSON object, the
  name may end in `#key` to select one of its values.
- `POSTGRES_URL_PARAMETER` names a parameter of the SSM Parameter Store, which is decrypted.

Several names are separated by commas. Their values are joined in the same way, for variables that accept several.

If no such variable is set, none of AWS's libraries is imported.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Protocol

from shared.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

SECRETS = (
    "POSTGRES_URL",
    "IMBI_AUTH_JWT_SECRET",
    "IMBI_CONFIG_ENCRYPTION_KEY",
    "ANTHROPIC_API_KEY",
    "SENTRY_DSN",
    "IMBI_ASSISTANT_ORIGIN_SECRET",
)
MAX_AGE = "IMBI_ASSISTANT_SECRETS_MAX_AGE_SECONDS"
_DEFAULT_MAX_AGE = 900.0
_SECRET_ARN = "_SECRET_ARN"  # noqa: S105  # a suffix of variables' names
_PARAMETER = "_PARAMETER"
_RETRY_SECONDS = 30.0
"""The time after a failed refresh in which the cached values stay in use before the next attempt."""


class Store(Protocol):
    """A store of secrets."""

    def secret(self, name: str) -> str:
        """Return the value of a secret in Secrets Manager."""
        ...

    def parameter(self, name: str) -> str:
        """Return the decrypted value of a parameter in SSM."""
        ...


class Secrets:
    """The environment's variables with each reference replaced by its value; values are cached for some minutes."""

    def __init__(
        self,
        variables: Mapping[str, str],
        make_store: Callable[[], Store] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Check the references; no value is read yet. `clock` returns wall-clock seconds.

        Raises:
            SettingsError: a secret is configured twice, or `MAX_AGE` is not a positive number.
        """
        self._variables = {name: value for name, value in variables.items() if not _is_reference(name)}
        self._references = {name: variables[name] for name in variables if _is_reference(name)}
        self._max_age = _seconds(variables.get(MAX_AGE))
        self._make_store = make_store or _powertools_store
        self._clock = clock
        self._store: Store | None = None
        self._values: dict[str, str] | None = None
        self._read_at = 0.0
        errors = [f"{_target(name)} is configured twice; {name} is one of the two." for name in self._duplicates()]
        if errors:
            raise SettingsError(errors)

    @property
    def is_stale(self) -> bool:
        """Whether the values must be read. Their age is measured with the wall clock, which a freeze does not stop."""
        return self._values is None or (bool(self._references) and self._clock() - self._read_at >= self._max_age)

    def variables(self) -> dict[str, str]:
        """Return the variables. Stale secrets are read again first; if that fails, the cached values are returned.

        Raises:
            SettingsError: a secret cannot be read and there is no cached value. The message contains no values.
        """
        if self.is_stale:
            try:
                self._values = self._read()
                self._read_at = self._clock()
            except SettingsError as error:
                if self._values is None:
                    raise
                log.warning("the refresh of the secrets failed; the cached secrets stay in use: %s", error)
                self._read_at = self._clock() - self._max_age + _RETRY_SECONDS
        return {**self._variables, **(self._values or {})}

    def _duplicates(self) -> list[str]:
        targets = [_target(name) for name in self._references]
        return [
            name for name in self._references if _target(name) in self._variables or targets.count(_target(name)) > 1
        ]

    def _read(self) -> dict[str, str]:
        values: dict[str, str] = {}
        errors: list[str] = []
        for name, reference in self._references.items():
            try:
                values[_target(name)] = ",".join(self._value(name, each.strip()) for each in reference.split(","))
            except _Unreadable as error:
                errors.append(f"{name}: {error}.")
        if errors:
            raise SettingsError(errors)
        return values

    def _value(self, name: str, reference: str) -> str:
        if self._store is None:
            self._store = self._make_store()
        if name.endswith(_PARAMETER):
            return self._store.parameter(reference)
        secret, _, key = reference.partition("#")
        text = self._store.secret(secret)
        return _json_value(text, key) if key else text


class _Unreadable(Exception):
    """Raised for a secret that cannot be read. The message is the reason, without any part of the secret."""


class _PowertoolsStore:
    """Secrets Manager and SSM through Powertools' Parameters.

    https://docs.aws.amazon.com/powertools/python/latest/utilities/parameters/
    """

    def __init__(self) -> None:
        # boto3 is slow to import, and only references need it.
        from aws_lambda_powertools.utilities import parameters  # noqa: PLC0415
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415  # it has no types

        config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})
        self._failures = parameters.exceptions.GetParameterError
        self._secrets = parameters.SecretsProvider(boto_config=config)
        self._parameters = parameters.SSMProvider(boto_config=config)

    def secret(self, name: str) -> str:
        """Return the value of a secret in Secrets Manager."""
        return self._text(lambda: self._secrets.get(name, force_fetch=True))

    def parameter(self, name: str) -> str:
        """Return the decrypted value of a parameter in SSM."""
        return self._text(lambda: self._parameters.get(name, decrypt=True, force_fetch=True))

    def _text(self, read: Callable[[], object]) -> str:
        try:
            value = read()
        except self._failures as error:
            raise _Unreadable(_reason(error)) from None
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str) or not value:
            raise _Unreadable("it is empty")
        return value


def _powertools_store() -> Store:
    return _PowertoolsStore()


def _reason(error: Exception) -> str:
    """Return AWS's error code. The rest of its message is left out, because it may contain details of the account."""
    response = getattr(error.__context__, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return f"it cannot be read ({code or type(error.__context__ or error).__name__})"


def _json_value(text: str, key: str) -> str:
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        raise _Unreadable(f"it has no key {key!r}") from None
    return value if isinstance(value, str) else json.dumps(value)


def _is_reference(name: str) -> bool:
    return name.endswith((_SECRET_ARN, _PARAMETER)) and _target(name) in SECRETS


def _target(name: str) -> str:
    return name.removesuffix(_SECRET_ARN).removesuffix(_PARAMETER)


def _seconds(text: str | None) -> float:
    try:
        seconds = _DEFAULT_MAX_AGE if text is None else float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise SettingsError([f"{MAX_AGE}: must be a number greater than 0."])
    return seconds
