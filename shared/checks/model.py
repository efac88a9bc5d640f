"""The check of the model: a request for one token, through the service's own client."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.agent.sent_messages import question_to_send
from shared.chat.assembly import model_client
from shared.checks.findings import Finding, embedded
from shared.domain.errors import ModelError
from shared.domain.requests import ModelRequest, Prefix, SystemPrompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.checks.findings import Installation

_PROMPT = SystemPrompt(static="Answer with one word.", personal="")


async def check_model(installation: Installation) -> Sequence[Finding]:
    """Ask the configured model for one token; this costs a few tokens."""
    if "model" in installation.embedded:
        return embedded("model")
    settings = installation.settings
    request = ModelRequest(settings.model, 1, Prefix(_PROMPT), [question_to_send("Are you there?")])
    client = model_client(settings)
    try:
        async with aclosing(client.reply(request)) as events:
            async for _ in events:
                pass
    except ModelError as error:
        advice = "Check ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL and IMBI_ASSISTANT_MODEL."
        return [Finding("model", "failed", f"{settings.model}: {error} {advice}")]
    finally:
        await client.aclose()
    return [Finding("model", "ok", f"{settings.model} answers.")]
