"""OpenAI's chat completions as all servers speak them: whom to ask, what a refusal means, what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openai import BadRequestError
    from openai.types.chat import ChatCompletion


def address(base_url: str, api_key: str) -> dict[str, Any]:
    """Arguments of the client for a server; "" is OpenAI's own and the key in OPENAI_API_KEY.

    A server of one's own takes any key, but the client wants one.
    """
    return {"base_url": base_url or None, "api_key": api_key or ("none" if base_url else None)}


def filtered(error: BadRequestError) -> bool:
    """Whether a server refuses this one question for what it says; the next may pass."""
    return error.code == "content_filter"


def text_of(completion: ChatCompletion) -> str:
    """What the server says, which may be nothing."""
    return (completion.choices[0].message.content or "") if completion.choices else ""
