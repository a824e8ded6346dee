"""OpenAI's chat completions as all servers speak them: whom to ask, what a refusal means, what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ser_ros.errors import UserError

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
    """What the server says, which may be nothing.

    Raises:
        UserError: it is no chat completion: the client hands on whatever comes.
    """
    choices = getattr(completion, "choices", None)
    if not isinstance(choices, list):
        raise no_completion(str(getattr(completion, "error", "") or completion))
    message = choices[0].message if choices else None
    return (message.content or "") if message else ""


def no_completion(found: str) -> UserError:
    """The error for an answer in another form, such as the page of a web server."""
    shown = " ".join(found.split())[:80]
    return UserError(
        f"the server answers no chat completion but {shown!r}; check --base-url, most end in /v1"
    )
