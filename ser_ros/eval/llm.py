"""Questions to an OpenAI-compatible server, each asked once: answers are kept in a file.

Works with vLLM, Ollama, llama.cpp and `transformers serve`; nothing but plain chat completions is
used. A crash costs nothing: the cache has one JSON line per answer and the next run asks the rest.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from ser_ros.data.chat_completions import address, filtered, no_completion, text_of
from ser_ros.errors import UserError

Value = TypeVar("Value")


@dataclass(frozen=True)
class ServerOptions:
    """Where and how to ask.

    Attributes:
        model: name the server knows.
        base_url: server; "" is OpenAI's own.
        api_key: "" takes OPENAI_API_KEY; local servers accept any.
        temperature: 0 is greedy; seeds matter only above 0.
        max_tokens: longest answer.
        tries: answers asked for until one can be parsed.
        concurrency: requests in flight.
        timeout: seconds for one request.
    """

    model: str
    base_url: str = ""
    api_key: str = ""
    temperature: float = 1.0
    max_tokens: int = 256
    tries: int = 3
    concurrency: int = 4
    timeout: float = 120.0


@dataclass(frozen=True)
class Question:
    """One request: its text, images as files, and the seed that tells repetitions apart."""

    text: str
    system: str = ""
    images: tuple[Path, ...] = ()
    seed: int = 0


class Server:
    """A chat server with a memory of its answers."""

    def __init__(self, options: ServerOptions, cache: Path | None = None) -> None:
        """Open the cache; UserError without the client or a model name."""
        if not options.model:
            raise UserError("name the model of the server with --llm")
        try:
            import openai
        except ImportError:
            raise UserError("asking an LLM needs the openai client; pip install 'ser-ros[llm]'") from None
        try:
            self._client = openai.OpenAI(
                **address(options.base_url, options.api_key), timeout=options.timeout, max_retries=4
            )
        except openai.OpenAIError as error:
            raise UserError(f"give --base-url of a server or --api-key of OpenAI's ({error})") from None
        self.options = options
        self.cache = cache
        self.asked = 0
        self._lock = Lock()
        self._known: dict[str, str] = _read_cache(cache) if cache else {}

    def ask_all(
        self, questions: Sequence[Question], understand: Callable[[str], Value | None], progress: str = ""
    ) -> list[Value | None]:
        """What `understand` makes of each answer, None where no try could be understood.

        Raises:
            UserError: the server cannot be reached or refuses; answers so far are in the cache.
        """
        import openai
        from tqdm import tqdm

        pool = ThreadPoolExecutor(self.options.concurrency)
        try:
            jobs = pool.map(lambda question: self._one(question, understand), questions)
            return list(tqdm(jobs, desc=progress, total=len(questions), disable=not progress))
        except openai.APIConnectionError as error:
            where = self.options.base_url or "the OpenAI server"
            raise UserError(f"{where} cannot be reached ({error}); answers so far are kept") from None
        except openai.APIStatusError as error:
            raise UserError(
                f"the server refuses: {error.message} (check --llm, --base-url, the key)"
            ) from None
        except json.JSONDecodeError as error:
            raise no_completion(error.doc) from None
        finally:
            pool.shutdown(cancel_futures=True)

    def _one(self, question: Question, understand: Callable[[str], Value | None]) -> Value | None:
        for attempt in range(self.options.tries):
            value = understand(self._answer(question, attempt))
            if value is not None:
                return value
        return None

    def _answer(self, question: Question, attempt: int) -> str:
        key = self._key(question, attempt)
        with self._lock:
            if key in self._known:
                return self._known[key]
        content: Any = question.text
        if question.images:
            content = [{"type": "text", "text": question.text}, *map(_as_part, question.images)]
        messages = [{"role": "system", "content": question.system}] if question.system else []
        answer = self._ask([*messages, {"role": "user", "content": content}], question.seed + 1000 * attempt)
        with self._lock:
            self.asked += 1
            self._known[key] = answer
            if self.cache:
                with self.cache.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "answer": answer}) + "\n")
        return answer

    def _ask(self, messages: Any, seed: int) -> str:
        """What the server says; nothing where its content filter refuses a question."""
        import openai

        try:
            response = self._client.chat.completions.create(
                model=self.options.model,
                messages=messages,
                temperature=self.options.temperature,
                max_tokens=self.options.max_tokens,
                seed=seed,
            )
        except openai.BadRequestError as error:
            if not filtered(error):
                raise
            return ""
        return text_of(response)

    def _key(self, question: Question, attempt: int) -> str:
        options = {
            k: v for k, v in asdict(self.options).items() if k in ("model", "temperature", "max_tokens")
        }
        pictures = [hashlib.sha256(path.read_bytes()).hexdigest() for path in question.images]
        parts = [options, question.system, question.text, pictures, question.seed, attempt]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _as_part(image: Path) -> dict[str, Any]:
    kind = mimetypes.guess_type(image.name)[0] or "image/jpeg"
    data = base64.b64encode(image.read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}


def _read_cache(path: Path) -> dict[str, str]:
    known: dict[str, str] = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if text and not text.endswith("\n"):  # the next answer must not run into a line cut short by a crash
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")
    except OSError as error:
        raise UserError(f"cannot use the cache {path}: {error.strerror}") from None
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            known[entry["key"]] = entry["answer"]
        except (json.JSONDecodeError, KeyError, TypeError):
            continue  # a line cut short is asked again
    return known
