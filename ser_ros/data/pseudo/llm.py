"""Pseudo-initial captions by an LLM behind any OpenAI-compatible server (paper F.1)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ser_ros.data.chat_completions import address, filtered, no_completion, text_of
from ser_ros.data.pseudo.prompts import PROMPTS, Kind, parse_answer
from ser_ros.data.pseudo.store import PseudoRecord
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError

CHARACTERS_PER_TOKEN = 4.0  # rule of thumb for English in GPT-like vocabularies


@dataclass(frozen=True)
class LlmOptions:
    """How to ask.

    Attributes:
        model: name the server knows.
        base_url: server; "" is OpenAI's own.
        api_key: "" takes OPENAI_API_KEY; local servers accept any.
        kind: "short" changes 0 to 2 details, "detailed" 3 to 5 (the two prompts of Fig. 18).
        per_caption: pseudo captions wanted per ground truth, 1 to 3, which the prompts ask for.
        concurrency: requests in flight.
        per_minute: most requests begun per minute; 0 has no limit.
        tries: answers asked for before a caption counts as failed.
        temperature: of the first try; each further one is asked 0.3 hotter, or it would say the same.
        max_tokens: longest answer.
        timeout: seconds for one request.
    """

    model: str
    base_url: str = ""
    api_key: str = ""
    kind: Kind = "short"
    per_caption: int = 3
    concurrency: int = 8
    per_minute: float = 0.0
    tries: int = 3
    temperature: float = 1.0
    max_tokens: int = 512
    timeout: float = 120.0


def estimate(
    samples: Sequence[Sample], options: LlmOptions, price_in: float, price_out: float
) -> dict[str, Any]:
    """Tokens and cost before the first request; prices are per million tokens."""
    prompt = len(PROMPTS[options.kind]) / CHARACTERS_PER_TOKEN
    captions = sum(len(sample.caption) for sample in samples) / CHARACTERS_PER_TOKEN
    tokens_in = round(prompt * len(samples) + captions)
    tokens_out = round(options.per_caption * (captions + 4 * len(samples)))
    cost = (tokens_in * price_in + tokens_out * price_out) / 1e6
    return {
        "requests": len(samples),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "US dollars": round(cost, 4),
    }


def llm_captions(samples: Sequence[Sample], options: LlmOptions) -> Iterator[PseudoRecord]:
    """One record per ground truth, in the order the answers come.

    Raises:
        UserError: the server cannot be reached or refuses key or model; what was yielded is done.
    """
    loop = asyncio.new_event_loop()
    records = _all(samples, options)
    following: asyncio.Future[PseudoRecord] | None = None
    try:
        while True:
            following = asyncio.ensure_future(anext(records), loop=loop)
            try:
                yield loop.run_until_complete(following)
            except StopAsyncIteration:
                return
    finally:
        if following is not None:  # Ctrl-C leaves it running, and then the generator cannot be closed
            following.cancel()
            loop.run_until_complete(asyncio.gather(following, return_exceptions=True))
        loop.run_until_complete(records.aclose())
        loop.close()


async def _all(samples: Sequence[Sample], options: LlmOptions) -> AsyncGenerator[PseudoRecord, None]:
    try:
        import openai
    except ImportError:
        raise UserError("the llm generator needs the openai client: pip install 'ser-ros[llm]'") from None
    try:
        # Waits and retries by itself on 429, 5xx and lost connections.
        client = openai.AsyncOpenAI(
            **address(options.base_url, options.api_key), timeout=options.timeout, max_retries=3
        )
    except openai.OpenAIError as error:
        raise UserError(
            f"give --base-url of a server, or set OPENAI_API_KEY for OpenAI's ({error})"
        ) from None
    pace = _Pace(options.per_minute)
    waiting = iter(samples)
    running: set[asyncio.Task[PseudoRecord]] = set()
    try:
        while True:
            while len(running) < options.concurrency and (sample := next(waiting, None)) is not None:
                running.add(asyncio.create_task(_one(client, sample, options, pace)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    except openai.APIConnectionError as error:
        where = options.base_url or "the OpenAI server"
        raise UserError(f"{where} cannot be reached ({error}); start it and run the command again") from None
    except openai.APIStatusError as error:
        raise UserError(
            f"the server refuses: {error.message} (check --llm, --base-url and the key)"
        ) from None
    except json.JSONDecodeError as error:
        raise no_completion(error.doc) from None
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await client.close()


async def _one(client: Any, sample: Sample, options: LlmOptions, pace: _Pace) -> PseudoRecord:
    record = PseudoRecord.of(sample, f"llm:{options.model}")
    record.status = "failed"
    messages = [
        {"role": "system", "content": PROMPTS[options.kind]},
        {"role": "user", "content": sample.caption},
    ]
    for record.tries in range(1, options.tries + 1):
        await pace.wait()
        text = await _answer(client, messages, options, record.tries)
        captions = parse_answer(text, sample.caption, options.per_caption)
        if captions is not None:
            record.pseudo, record.status = captions, "ok"
            break
    return record


async def _answer(client: Any, messages: list[dict[str, str]], options: LlmOptions, attempt: int) -> str:
    """What the server says; nothing where its content filter refuses this caption."""
    import openai

    try:
        answer = await client.chat.completions.create(
            model=options.model,
            messages=messages,
            temperature=min(2.0, options.temperature + 0.3 * (attempt - 1)),
            max_tokens=options.max_tokens,
        )
    except openai.BadRequestError as error:
        if not filtered(error):
            raise
        return ""
    return text_of(answer)


class _Pace:
    """Lets requests begin evenly, `per_minute` of them in a minute."""

    def __init__(self, per_minute: float) -> None:
        self.gap = 60.0 / per_minute if per_minute else 0.0
        self.next = time.monotonic()

    async def wait(self) -> None:
        now = time.monotonic()
        self.next = max(self.next, now)
        begin, self.next = self.next, self.next + self.gap
        await asyncio.sleep(begin - now)
