"""A real OpenAI-compatible server for tests: `transformers serve` with a tiny LLM that says one thing.

The model is a one-layer LLaMA trained here, in seconds, to continue every prompt with a given
answer; with `answer=None` it stays random and babbles, as a bad LLM would.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

TEMPLATE = "{% for m in messages %}<|user|>{{ m['content'] }}{% endfor %}<|assistant|>"
SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>"]


def save_tiny_llm(folder: Path, answer: Sequence[str] | None) -> Path:
    """Write a transformers folder; `answer` are the pieces the model says, each one token."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(
        ["a red chair next to a table"],
        trainers.BpeTrainer(special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
    )
    core.add_tokens([AddedToken(piece, normalized=False) for piece in answer or ()])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=4096, bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    if answer:
        said = [SPECIAL.index("<|assistant|>"), *map(core.token_to_id, answer), 2]
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(80):
            noise = torch.randint(3, len(SPECIAL) + 200, (8, int(torch.randint(1, 40, ()))))
            ids = torch.cat([noise, torch.tensor([said]).expand(8, -1)], dim=1)
            labels = ids.clone()
            labels[:, : noise.shape[1] + 1] = -100
            loss = model(input_ids=ids, labels=labels).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        assert loss.item() < 0.05
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """`transformers serve` for this folder; yields the base URL."""
    for module in ("fastapi", "uvicorn"):
        pytest.importorskip(module, reason="transformers serve needs it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", "--host", "127.0.0.1"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    log = folder / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--device", "cpu"], env=env, stdout=output, stderr=output
        )
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30).close()
                break
            except urllib.error.HTTPError:
                break  # it listens; listing the hub's models may fail offline
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(log.read_text()[-2000:]) from None
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def serve_with_filter(answer: str, refused: str) -> Iterator[str]:
    """A server that says `answer`, and refuses what contains `refused` as Azure's content filter does.

    `transformers serve` has no such filter.
    """

    class Handler(_Quiet):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if refused in asked:
                status, body = 400, {"error": {"code": "content_filter", "message": "filtered"}}
            else:
                message = {"role": "assistant", "content": answer}
                status, body = 200, {"choices": [{"index": 0, "message": message}]}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    with _listening(Handler) as address:
        yield f"{address}/v1"


@contextmanager
def serve_a_page(body: str, kind: str = "text/html") -> Iterator[str]:
    """Something else than an LLM at that address, such as a web server's page for whatever it is asked."""

    class Handler(_Quiet):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with suppress(ConnectionError):  # the first answer may end all other questions
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

    with _listening(Handler) as address:
        yield address
