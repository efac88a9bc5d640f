"""The Messages API on Amazon Bedrock and on the Claude Platform on AWS, through the clients of Anthropic's SDK.

The SDK signs the requests with the credentials of the process, such as those of a function's role. Importing this
module imports the SDK.
https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import anthropic
import httpx2
import orjson

from shared.claude.anthropic_api import open_transport, timeout
from shared.claude.aws_events import AwsEvents
from shared.claude.endpoint import ApiError
from shared.claude.retries import RETRIES, asked_seconds
from shared.util.connections import REPEATABLE
from shared.util.response_bodies import ResponseBodies

if TYPE_CHECKING:
    from shared.claude.endpoint import ReplyBody
    from shared.claude.request import EncodedRequest

Platform: TypeAlias = Literal["bedrock", "aws"]

_BEDROCK_VERSION = "bedrock-2023-05-31"
"""Bedrock's version of the API. Its older models do not know the version that the SDK would send."""
_CREDENTIALS_REFUSED = 401


class PlatformApi:
    """The endpoint of a platform."""

    def __init__(
        self, platform: Platform, *, region: str, workspace_id: str | None, base_url: str | None, idle_seconds: float
    ) -> None:
        """Prepare without a request; `base_url` replaces the platform's own, and only `aws` has a workspace."""
        self._http = httpx2.AsyncClient(
            transport=open_transport(base_url or f"https://{region}.amazonaws.com"),
            timeout=timeout(idle_seconds),
            follow_redirects=False,
            event_hooks={"request": [_mark_repeatable]},
        )
        self._bodies = ResponseBodies()
        self._is_bedrock = platform == "bedrock"
        self._client: anthropic.AsyncAnthropicBedrock | anthropic.AsyncAnthropicAWS
        if self._is_bedrock:
            self._client = anthropic.AsyncAnthropicBedrock(
                aws_region=region, base_url=base_url, http_client=self._http, max_retries=RETRIES
            )
        else:
            self._client = anthropic.AsyncAnthropicAWS(
                aws_region=region,
                workspace_id=workspace_id,
                base_url=base_url,
                http_client=self._http,
                max_retries=RETRIES,
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._bodies.aclose()
        await self._http.aclose()

    async def post(self, request: EncodedRequest) -> ReplyBody:
        """Send a signed request and return the body of its reply. The SDK retries transient failures.

        Raises:
            ApiError: the API refused the request, or there are no credentials.
            httpx2.TransportError: the API could not be reached.
        """
        try:
            response = await self._send(request)
        except anthropic.APIStatusError as error:
            wait = asked_seconds(error.response.headers)
            raise ApiError(error.status_code, error.type or "", error.message, error.request_id or "", wait) from error
        except anthropic.APITimeoutError as error:
            raise httpx2.ReadTimeout("the platform did not answer in time") from error
        except anthropic.APIConnectionError as error:
            raise httpx2.ConnectError("the platform cannot be reached") from error
        except (httpx2.HTTPError, TimeoutError):
            raise
        except Exception as error:
            # The AWS libraries raise many kinds of errors where credentials are missing or expired.
            raise ApiError(_CREDENTIALS_REFUSED, "authentication_error", type(error).__name__) from error
        body = self._bodies.open(response)
        return AwsEvents(body) if self._is_bedrock else body

    async def _send(self, request: EncodedRequest) -> httpx2.Response:
        # The first header makes the SDK return the response before its body, as its own `with_streaming_response` does.
        headers = {"X-Stainless-Raw-Response": "stream", "content-type": "application/json"}
        if request.betas:
            headers["anthropic-beta"] = request.betas
        if not self._is_bedrock:
            return await self._client.post(
                "/v1/messages", cast_to=httpx2.Response, content=request.body, options={"headers": headers}
            )
        body = orjson.loads(request.body)
        body |= {"model": bedrock_model(body["model"]), "anthropic_version": _BEDROCK_VERSION}
        return await self._client.post("/v1/messages", cast_to=httpx2.Response, body=body, options={"headers": headers})


async def _mark_repeatable(request: httpx2.Request) -> None:
    # A reply that was begun twice costs tokens, and changes nothing.
    request.extensions = {**request.extensions, REPEATABLE: True}


def bedrock_model(name: str) -> str:
    """Return Bedrock's name of a model. Names of Bedrock's own, inference profiles and ARNs stay as they are."""
    return f"anthropic.{name}" if name.startswith("claude-") else name
