"""The authors' published code beside ser_ros; `peers.py --models published` starts it in its own environment.

    python -m venv authors
    authors/bin/pip install torch==2.13.0 transformers==4.37.2 tokenizers==0.15.1 accelerate==0.21.0 \\
        huggingface-hub==0.25.2 einops==0.6.1 einops-exts==0.0.4 peft==0.7.1 'numpy<2' requests pillow
    python benchmarks/peers.py --models published ser-int8 --code CHECKOUT --python authors/bin/python

CHECKOUT is their repository (IclrAnonySubmit/ICLR26-submission-3588, commit 3f3f58d), whose pyproject names
these packages; its torch 2.1.2 is replaced by ours, so that both run the same kernels. Their classes run as
they are: random weights at true sizes in bfloat16, and `generate` as `llava/eval/model_caption.py` calls it
(three beams, no length penalty). That expands the picture to one a beam, before the tower.

The second glance is another such call, of their connector of several layers and an initial caption
(`detr` with three decoder layers, 57 M parameters, for DeepLens's 50 M); their `generate` leaves the initial
caption out, which one method here mends. As every call sees the picture anew, a row without the second
tower is given too: their paper keeps the features. Reads numbers of tokens, writes what `peers.py` reads.
"""

from __future__ import annotations

import json
import sys
import time
import types
from pathlib import Path

import torch
import transformers

BEAMS = 3
END, PADDING = 2, 1
IMAGE = -200
"""Their number for the place of the picture in a prompt."""

BEFORE, AFTER = [2, 14148, 35, 1437], list(range(1000, 1011))
"""Token ids as many as their prompt has before and after the picture."""


def write_tower(folder: Path) -> Path:
    """CLIP ViT-L/14 of 336 px with random weights; their loader wants "openai/clip" in the path."""
    clip = folder / "openai" / "clip-large"
    if not (clip / "preprocessor_config.json").is_file():
        config = transformers.CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16,
            image_size=336, patch_size=14,
        )  # fmt: skip
        transformers.CLIPVisionModel(config).to(torch.bfloat16).save_pretrained(clip)
        sides = {"height": 336, "width": 336}
        transformers.CLIPImageProcessor(size={"shortest_edge": 336}, crop_size=sides).save_pretrained(clip)
    return clip


def model_class(code: Path) -> tuple[type, type]:
    """Their configuration and model; the latter with a second glance in `generate`."""
    fetch = transformers.AutoTokenizer.from_pretrained
    # Their templates fetch a tokenizer of LLaMA 3 when they are imported, which OPT has no use for.
    transformers.AutoTokenizer.from_pretrained = lambda *_, **__: types.SimpleNamespace(eos_token_id=0)
    sys.path.insert(0, str(code))
    from llava.model.language_model.llava_opt import LlavaOPTConfig, LlavaOPTForCausalLM

    transformers.AutoTokenizer.from_pretrained = fetch

    class WithCaption(LlavaOPTForCausalLM):
        def prepare_inputs_for_generation(self, input_ids, pre_captions=None, **kwargs):
            inputs = super().prepare_inputs_for_generation(input_ids, **kwargs)
            return inputs if pre_captions is None else {**inputs, "pre_captions": pre_captions}

    return LlavaOPTConfig, WithCaption


def build(classes: tuple[type, type], clip: Path, **connector: object):
    """A model of the paper's size; `connector` are their names of its sizes."""
    config = classes[0](
        vocab_size=50272, hidden_size=768, word_embed_proj_dim=768, num_hidden_layers=12,
        num_attention_heads=12, ffn_dim=3072, max_position_embeddings=2048,
    )  # fmt: skip
    names = {
        "use_mm_proj": True, "mm_hidden_size": 1024, "vision_width": 1024, "mm_vision_tower": str(clip),
        "mm_vision_select_feature": "patch", "mm_patch_merge_type": "flat", "image_aspect_ratio": "pad",
        "mm_use_im_patch_token": False, "mm_use_im_start_end": False, "tune_mm_mlp_adapter": False,
        "tokenizer_pad_token_id": PADDING, "tokenizer_bos_token_id": END, "tokenizer_eos_token_id": END,
        "tokenizer_padding_side": "right", "tokenizer_model_max_length": 2048, **connector,
    }  # fmt: skip
    for name, value in names.items():
        setattr(config, name, value)
    torch.set_default_dtype(torch.bfloat16)
    try:
        model = classes[1](config).eval()
    finally:
        torch.set_default_dtype(torch.float32)
    tower = model.get_vision_tower()
    if not tower.is_loaded:
        tower.load_model()
    return model.to(torch.bfloat16)


class Published:
    """Both glances of their code."""

    def __init__(self, code: Path, work: Path):
        classes, clip = model_class(code), write_tower(work)
        self._first = build(classes, clip, mm_projector_type="mlp4x_bott4x_gelu", mm_vision_select_layer="-2")
        self._second = build(
            classes, clip, mm_projector_type="detr", mm_vision_select_layer="-2,13,18",
            detr_num_hidden_layers=3, detr_hidden_size=1024, detr_num_attention_heads=16,
            detr_intermediate_size=4096, detr_num_queries=576, detr_pre_caption_input=True,
            detr_visual_connector="mlp1x_gelu",
        )  # fmt: skip
        self._tower = self._first.get_vision_tower()
        self._second.get_vision_tower().vision_tower = self._tower.vision_tower
        self._picture = torch.rand(1, 3, 336, 336).to(torch.bfloat16)

    @torch.inference_mode()
    def write(self, tokens: int) -> dict[str, float]:
        """Row name -> seconds of a caption of so many tokens, refined by another."""
        initial = torch.randint(100, 5000, (1, tokens))
        start = time.perf_counter()
        self._generate(self._first, [*BEFORE, IMAGE, *AFTER], tokens)
        prompt = [*BEFORE, IMAGE, *initial[0].tolist(), *AFTER]
        self._generate(self._second, prompt, tokens, pre_captions=initial)
        both = time.perf_counter() - start
        start = time.perf_counter()
        self._tower(self._picture.expand(BEAMS, -1, -1, -1))
        tower = time.perf_counter() - start
        return {"published": both, "published, one tower": both - tower}

    def _generate(self, model, prompt: list[int], tokens: int, **more: torch.Tensor) -> None:
        model.generate(
            torch.tensor([prompt]), images=self._picture, num_beams=BEAMS, length_penalty=0.0,
            no_repeat_ngram_size=0, early_stopping=True, min_new_tokens=tokens, max_new_tokens=tokens,
            eos_token_id=END, pad_token_id=PADDING, **more,
        )  # fmt: skip


def peak_rss_mb() -> float:
    """As `ser_ros.runtime.bench` has it, which this environment lacks."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    code, work, longest = sys.argv[1:]
    transformers.logging.set_verbosity_error()
    both = Published(Path(code), Path(work))
    both.write(int(longest))
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"rows": both.write(int(line)), "peak_rss_mb": peak_rss_mb()}), flush=True)


if __name__ == "__main__":
    main()
