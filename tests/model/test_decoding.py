"""Decoding against oracles: a table model for every edit pattern, transformers for beam search."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig, OPTConfig, OPTForCausalLM

from ser_ros.model.decoding import TopK, beam_search, greedy
from ser_ros.model.decoding.alignment import Alignment
from ser_ros.model.decoding.session import pad
from tests.model.toys import toy_model

EOS = 1
EOS_OF_TOYS = 2
WORDS = 7


class TableSession:
    """A deterministic language model by hashing: the next token depends on the whole row so far."""

    def __init__(self, targets: list[list[int]], top: int = 1):
        self.targets, self.top = targets, top
        self.rows: list[list[int]] = [[] for _ in targets]
        self.forwards = 0

    def _next(self, row: int, prefix: list[int]) -> list[int]:
        """While the row follows its target, the target's next token; after that, a hash."""
        target = self.targets[row]
        if prefix == target[: len(prefix)]:
            best = target[len(prefix)] if len(prefix) < len(target) else EOS
        else:
            best = hash((row, *prefix)) % WORDS
        return [best, *(word for word in range(WORDS) if word != best)][: self.top]

    def _top(self, starts: list[list[list[int]]]) -> TopK:
        width = max(len(row) for row in starts)
        ids = np.zeros((len(starts), width, self.top), np.int64)
        for r, row in enumerate(starts):
            for t, prefix in enumerate(row):
                ids[r, t] = self._next(r, prefix)
        return TopK(ids, np.full(ids.shape, -0.5, np.float32))

    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        self.forwards += 1
        self.rows = [list(map(int, d[:n])) for d, n in zip(draft, lengths, strict=True)]
        return self._top([[row[:i] for i in range(len(row) + 1)] for row in self.rows])

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        self.forwards += 1
        starts = []
        for r, (row, n) in enumerate(zip(tokens, lengths, strict=True)):
            old = self.rows[r]
            self.rows[r] = old + list(map(int, row[:n]))
            starts.append([self.rows[r][: len(old) + i + 1] for i in range(int(n))])
        return self._top(starts)

    def crop(self, lengths: np.ndarray) -> None:
        self.rows = [row[: int(n)] for row, n in zip(self.rows, lengths, strict=True)]

    def reorder(self, rows: np.ndarray) -> None:
        self.rows = [list(self.rows[i]) for i in rows]
        self.targets = [self.targets[i] for i in rows]


captions = st.lists(st.integers(2, WORDS - 1), max_size=14)


@st.composite
def edited(draw) -> tuple[list[int], list[int]]:
    """A target, and a draft some insertions, deletions and substitutions away (or unrelated, or empty)."""
    target = draw(captions)
    draft = list(target)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(draft)))
        kind = draw(st.sampled_from(["insert", "delete", "replace"]))
        if kind == "insert" or at == len(draft):
            draft.insert(at, draw(st.integers(2, WORDS - 1)))
        elif kind == "delete":
            del draft[at]
        else:
            draft[at] = draw(st.integers(2, WORDS - 1))
    return target, draw(st.sampled_from([draft, draft, draft, [], draft + target]))


@settings(max_examples=1000, deadline=None)
@given(st.lists(edited(), min_size=1, max_size=4), st.integers(1, 20))
def test_a_draft_never_changes_what_greedy_writes(pairs, max_tokens):
    targets = [target for target, _ in pairs]
    drafts = [draft for _, draft in pairs]
    got = greedy(TableSession(targets), len(pairs), EOS, max_tokens, drafts)
    for (target, draft), caption in zip(pairs, got, strict=True):
        assert caption.ids == target[:max_tokens]
        assert caption.ended == (len(target) < max_tokens)
        assert len(caption.log_probs) == len(caption.ids) + caption.ended
        if draft == target:
            assert caption.forwards == 1


@pytest.mark.parametrize("length", [1, 2, 5, 20])
def test_one_changed_word_costs_one_more_forward(length):
    target = list(range(2, 2 + length))
    for at in range(length):
        session = TableSession([target])
        greedy(session, 1, EOS, 50, [[*target[:at], 99, *target[at + 1 :]]])
        assert session.forwards == 2


def test_alignment_finds_its_place_after_each_kind_of_edit():
    def rest(caption: str) -> str:
        return "".join(map(chr, Alignment([ord(c) for c in "abcdefgh"]).rest([ord(c) for c in caption], 9)))

    assert rest("") == "abcdefgh"
    assert rest("abX") == "defgh"  # substitution
    assert rest("abd") == "efgh"  # deletion
    assert rest("abXc") == "defgh"  # insertion
    assert rest("abXYZdef") == "gh"  # three words for one
    assert Alignment([]).rest([1, 2], 3) == []


@pytest.mark.parametrize("batch", [1, 3])
def test_beam_search_is_that_of_transformers(batch):
    """Same tokens as generate(num_beams=3, length_penalty=0, early_stopping=True) over 40 random models."""
    for seed in range(40):
        torch.manual_seed(seed)
        eos, vocabulary = 3, 12
        config = OPTConfig(
            vocab_size=vocabulary, hidden_size=16, word_embed_proj_dim=16, num_hidden_layers=1,
            num_attention_heads=2, ffn_dim=16, max_position_embeddings=64, dropout=0.0, init_std=0.6,
            bos_token_id=2, eos_token_id=eos, pad_token_id=1,
        )  # fmt: skip
        oracle = OPTForCausalLM(config).eval()
        prompt = torch.randint(4, vocabulary, (batch, 3))
        settings = GenerationConfig(
            num_beams=3, length_penalty=0.0, early_stopping=True, max_new_tokens=9, do_sample=False,
            eos_token_id=eos, pad_token_id=1, bos_token_id=2,
        )  # fmt: skip
        expected = oracle.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=settings)
        got = beam_search(OracleSession(oracle, prompt, 6), batch, eos, 9, 3)
        for row, caption in zip(expected[:, 3:].tolist(), got, strict=True):
            written = row[: row.index(eos)] if eos in row else row
            assert caption.ids == [w for w in written if w != 1 or w in caption.ids]


@pytest.mark.parametrize("seed", range(20))
def test_beams_of_rows_of_different_length_are_those_of_transformers(seed):
    """Batched second glances with prompts of different lengths; transformers writes each row alone."""
    model = toy_model(seed)
    rng = np.random.default_rng(seed)
    initials = [rng.integers(4, 300, n).tolist() for n in rng.integers(0, 14, 4)]
    features = model.see(model.preprocess(_images(seed, 4)))
    got = beam_search(_session(model, features, initials, 6), 4, EOS_OF_TOYS, 16, 3)
    weights, words = model.language.decoder.state_dict(), model.tokenizer.size
    weights["embed_tokens.weight"] = weights["embed_tokens.weight"][:words]
    sizes = {**model.config.language.sizes, "vocab_size": words}
    oracle = OPTForCausalLM(OPTConfig(**sizes, bos_token_id=2, eos_token_id=2, pad_token_id=1)).eval()
    oracle.model.decoder.load_state_dict(weights)
    settings = GenerationConfig(
        num_beams=3, length_penalty=0.0, early_stopping=True, max_new_tokens=16, do_sample=False,
        eos_token_id=2, pad_token_id=1, bos_token_id=2,
    )  # fmt: skip
    for row, initial in enumerate(initials):
        vision = model.second_tokens(features.rows(slice(row, row + 1)), torch.tensor([initial]).long())
        embeds = model.merge(torch.tensor([model.tokenizer.refine_prompt(initial)]), vision)
        mask = torch.ones(embeds.shape[:2], dtype=torch.long)
        expected = oracle.generate(
            inputs_embeds=embeds, attention_mask=mask, generation_config=settings
        )[0].tolist()  # fmt: skip
        ended = EOS_OF_TOYS in expected
        assert got[row].ended == ended
        assert got[row].ids == (expected[: expected.index(EOS_OF_TOYS)] if ended else expected)


class OracleSession:
    """transformers' own model without any cache: every step computes the whole rows."""

    def __init__(self, model: OPTForCausalLM, prompt: torch.Tensor, top: int):
        self.model, self.ids, self.top = model, prompt, top

    @torch.no_grad()
    def _last(self) -> TopK:
        log_probs, ids = self.model(self.ids).logits[:, -1:].float().log_softmax(-1).topk(self.top, -1)
        return TopK(ids.numpy(), log_probs.numpy())

    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        return self._last()

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        self.ids = torch.cat([self.ids, torch.from_numpy(tokens)], dim=1)
        return self._last()

    def crop(self, lengths: np.ndarray) -> None:
        raise AssertionError("beam search never forgets")

    def reorder(self, rows: np.ndarray) -> None:
        self.ids = self.ids[torch.from_numpy(rows)]


def _session(model, features, initials, top=1):
    from ser_ros.model.describe import Clock

    prompts = [model.tokenizer.refine_prompt(ids) for ids in initials]
    return model.open_refine(features, prompts, initials, top, Clock())


def _images(seed: int, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (20 + i, 30, 3)).astype(np.uint8) for i in range(count)]


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(s, marks=pytest.mark.slow) for s in range(12, 180))]
)
def test_drafts_are_lossless_on_the_real_network(seed):
    """Random toys, random drafts of all kinds, ragged batches: the tokens and scores of plain greedy."""
    from ser_ros.model.describe import Clock

    model = toy_model(seed)
    rng = np.random.default_rng(seed)
    features = model.encode(_images(seed, 3), Clock())
    for _ in range(4):
        initials = [rng.integers(4, 300, rng.integers(0, 12)).tolist() for _ in range(3)]
        plain = greedy(_session(model, features, initials), 3, 2, 16)
        drafts = []
        for caption in plain:
            draft = list(caption.ids)
            for _ in range(rng.integers(0, 4)):
                at = rng.integers(0, len(draft) + 1)
                draft[at : at + rng.integers(0, 3)] = rng.integers(4, 300, rng.integers(0, 3)).tolist()
            drafts.append(draft)
        verified = greedy(_session(model, features, initials), 3, 2, 16, drafts)
        for a, b in zip(plain, verified, strict=True):
            assert a.ids == b.ids
            assert a.ended == b.ended
            np.testing.assert_allclose(a.log_probs, b.log_probs, atol=1e-4)


def test_cached_steps_equal_one_forward_without_cache():
    model = toy_model(3)
    features = model.see(model.preprocess(_images(3, 2)))
    initials = [[5, 6, 7], [8, 9, 10]]
    captions = greedy(_session(model, features, initials), 2, 2, 10)
    for row, caption in enumerate(captions):
        ids = torch.tensor([model.tokenizer.refine_prompt(initials[row]) + caption.ids])
        with torch.no_grad():
            logits = model(
                ids, features=features.rows(slice(row, row + 1)), initial_ids=torch.tensor([initials[row]])
            )
        picks = logits.logits[0].log_softmax(-1)[-len(caption.ids) - 1 : -1]
        assert picks.argmax(-1).tolist() == caption.ids
        np.testing.assert_allclose(
            picks.max(-1).values.numpy(), caption.log_probs[: len(caption.ids)], atol=1e-4
        )


def test_beams_of_a_batch_equal_beams_alone():
    model = toy_model(4)
    images = _images(4, 3)
    together = model.describe(images, beams=3, max_tokens=12)
    for image, description in zip(images, together, strict=True):
        alone = model.describe([image], beams=3, max_tokens=12)[0]
        assert (alone.initial, alone.refined) == (description.initial, description.refined)


def test_pad_keeps_lengths():
    tokens, lengths = pad([[1, 2], [], [3]])
    assert tokens.tolist() == [[1, 2], [0, 0], [3, 0]]
    assert lengths.tolist() == [2, 0, 1]
