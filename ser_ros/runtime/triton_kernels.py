"""Triton kernels for one token in OPT's decoder; `triton_opt` launches them.

Arguments in small letters are addresses or numbers, those in capitals are known when a kernel is compiled. x
is the residual stream [WIDTH]; BLOCK is the power of two that holds the inputs of a product, ROWS its outputs
that one program computes; `token` is an id, its position and its slot. Sums are float32, results are rounded
to the type of x where modules of torch would round them.

EARLY: a kernel starts while the one before it still runs, and reads its weights meanwhile ("programmatic
dependent launch", from compute capability 9.0 on).
"""

from __future__ import annotations

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait


@triton.jit
def _begin(EARLY: tl.constexpr):
    """Let the next kernel start beside this one: it reads its weights, then waits."""
    if EARLY:
        gdc_launch_dependents()


@triton.jit
def _wait(EARLY: tl.constexpr):
    """For the results of the kernel before; until here only weights may be read, and nothing written."""
    if EARLY:
        gdc_wait()


@triton.jit
def embed(token, words, positions, x, offset, WIDTH: tl.constexpr, BLOCK: tl.constexpr, EARLY: tl.constexpr):
    _begin(EARLY)
    _wait(EARLY)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    word = tl.load(words + tl.load(token) * WIDTH + at, inside).to(tl.float32)
    position = tl.load(positions + (tl.load(token + 1) + offset) * WIDTH + at, inside).to(tl.float32)
    tl.store(x + at, (word + position).to(x.dtype.element_ty), inside)


@triton.jit
def _normed(x, weight, bias, eps, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """LayerNorm of x, 0 beyond its width."""
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    value = tl.load(x + at, inside, 0.0).to(tl.float32)
    centred = tl.where(inside, value - tl.sum(value) / WIDTH, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred) / WIDTH + eps)
    weights = tl.load(weight + at, inside, 0.0).to(tl.float32)
    result = centred * scale * weights + tl.load(bias + at, inside, 0.0).to(tl.float32)
    return result.to(x.dtype.element_ty).to(tl.float32)


@triton.jit
def _weights(weight, row, rows, WIDTH: tl.constexpr, BLOCK: tl.constexpr):
    """Rows of a matrix, 0 beyond its edges."""
    at = tl.arange(0, BLOCK)
    return tl.load(
        weight + row.to(tl.int64)[:, None] * WIDTH + at[None, :],
        (row < rows)[:, None] & (at < WIDTH)[None, :],
        0.0,
    )


@triton.jit
def _linear(weights, inputs, bias, row, rows, x):
    """Rounded to the type of `x`, as float32."""
    result = tl.sum(weights.to(tl.float32) * inputs[None, :], 1)
    result += tl.load(bias + row, row < rows, 0.0).to(tl.float32)
    return result.to(x.dtype.element_ty).to(tl.float32)


@triton.jit
def norm_query_key_value(
    x, norm_weight, norm_bias, eps, weight, bias, query, stored, token,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, SLOTS: tl.constexpr, SIZE: tl.constexpr, ROWS: tl.constexpr,
    EARLY: tl.constexpr,
):  # fmt: skip
    _begin(EARLY)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    weights = _weights(weight, row, 3 * WIDTH, WIDTH, BLOCK)
    _wait(EARLY)
    slot = tl.load(token + 2)
    inputs = _normed(x, norm_weight, norm_bias, eps, WIDTH, BLOCK)
    result = _linear(weights, inputs, bias, row, 3 * WIDTH, x).to(x.dtype.element_ty)
    tl.store(query + row, result, row < WIDTH)
    # Row r of keys and values is number r % SIZE of head r // SIZE, the heads of values after those of keys.
    place = row - WIDTH
    place = (place // SIZE * SLOTS + slot) * SIZE + place % SIZE
    tl.store(stored + place, result, (row >= WIDTH) & (row < 3 * WIDTH))


@triton.jit
def attend(
    query, stored, token, mixed, best, total, scale,
    HEADS: tl.constexpr, SLOTS: tl.constexpr, SIZE: tl.constexpr, CHUNK: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """One head over a chunk of the slots: the sum of values, undivided, the largest score, the total."""
    _begin(EARLY)
    _wait(EARLY)
    head, chunk = tl.program_id(0), tl.program_id(1)
    slot = chunk * CHUNK + tl.arange(0, CHUNK)
    at = tl.arange(0, SIZE)
    seen = slot <= tl.load(token + 2)
    place = (head * SLOTS + slot)[:, None] * SIZE + at[None, :]
    keys = tl.load(stored + place, seen[:, None], 0.0).to(tl.float32)
    values = tl.load(stored + HEADS * SLOTS * SIZE + place, seen[:, None], 0.0).to(tl.float32)
    asked = tl.load(query + head * SIZE + at).to(tl.float32)
    scores = tl.where(seen, tl.sum(keys * asked[None, :], 1) * scale, -1e30)
    largest = tl.max(scores, 0)
    shares = tl.where(seen, tl.exp(scores - largest), 0.0)
    tl.store(mixed + (chunk * HEADS + head) * SIZE + at, tl.sum(values * shares[:, None], 0))
    tl.store(best + chunk * HEADS + head, largest)
    tl.store(total + chunk * HEADS + head, tl.sum(shares, 0))


@triton.jit
def add_attended(
    mixed, best, total, weight, bias, x, chunks,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, HEADS: tl.constexpr, SIZE: tl.constexpr,
    CHUNKS: tl.constexpr, ROWS: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    _begin(EARLY)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    weights = _weights(weight, row, WIDTH, WIDTH, BLOCK)
    _wait(EARLY)
    chunk, head = tl.arange(0, CHUNKS)[:, None], tl.arange(0, BLOCK // SIZE)[None, :]
    inside = (chunk < chunks) & (head < HEADS)
    largest = tl.load(best + chunk * HEADS + head, inside, -1e30)
    share = tl.exp(largest - tl.max(largest, 0)[None, :])
    whole = tl.sum(tl.load(total + chunk * HEADS + head, inside, 0.0) * share, 0)
    share /= tl.where(whole > 0, whole, 1.0)[None, :]
    place = (chunk * WIDTH + head * SIZE)[:, :, None] + tl.arange(0, SIZE)[None, None, :]
    parts = tl.load(mixed + place, inside[:, :, None], 0.0)
    inputs = tl.reshape(tl.sum(parts * share[:, :, None], 0), (BLOCK,))
    inputs = inputs.to(x.dtype.element_ty).to(tl.float32)
    result = _linear(weights, inputs, bias, row, WIDTH, x)
    result += tl.load(x + row, row < WIDTH, 0.0).to(tl.float32)
    tl.store(x + row, result.to(x.dtype.element_ty), row < WIDTH)


@triton.jit
def norm_linear_relu(
    x, norm_weight, norm_bias, eps, weight, bias, result, rows,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    _begin(EARLY)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    weights = _weights(weight, row, rows, WIDTH, BLOCK)
    _wait(EARLY)
    inputs = _normed(x, norm_weight, norm_bias, eps, WIDTH, BLOCK)
    value = tl.maximum(_linear(weights, inputs, bias, row, rows, x), 0.0)
    tl.store(result + row, value.to(x.dtype.element_ty), row < rows)


@triton.jit
def add_linear(
    inputs, weight, bias, x,
    rows, WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    _begin(EARLY)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    weights = _weights(weight, row, rows, WIDTH, BLOCK)
    _wait(EARLY)
    at = tl.arange(0, BLOCK)
    values = tl.load(inputs + at, at < WIDTH, 0.0).to(tl.float32)
    result = _linear(weights, values, bias, row, rows, x)
    result += tl.load(x + row, row < rows, 0.0).to(tl.float32)
    tl.store(x + row, result.to(x.dtype.element_ty), row < rows)


@triton.jit
def words(
    x, norm_weight, norm_bias, eps, weight, best, total, ids, rows,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, ROWS: tl.constexpr, EARLY: tl.constexpr,
):  # fmt: skip
    """The best of ROWS words, and the sum of their exponentials beside it."""
    _begin(EARLY)
    program = tl.program_id(0)
    row = program * ROWS + tl.arange(0, ROWS)
    weights = _weights(weight, row, rows, WIDTH, BLOCK)
    _wait(EARLY)
    inputs = _normed(x, norm_weight, norm_bias, eps, WIDTH, BLOCK)
    logits = tl.sum(weights.to(tl.float32) * inputs[None, :], 1).to(x.dtype.element_ty).to(tl.float32)
    logits = tl.where(row < rows, logits, -float("inf"))
    largest, which = tl.max(logits, 0, return_indices=True)
    tl.store(best + program, largest)
    tl.store(ids + program, (program * ROWS + which).to(tl.int64))
    tl.store(total + program, tl.sum(tl.exp(logits - largest), 0))


@triton.jit
def best_word(
    best, total, ids, token, result, following, last, programs, BLOCK: tl.constexpr, EARLY: tl.constexpr
):
    """The best of the programs of `words`, its log-probability, and its id, position and slot as a token."""
    _begin(EARLY)
    _wait(EARLY)
    at = tl.arange(0, BLOCK)
    inside = at < programs
    values = tl.load(best + at, inside, -float("inf"))
    largest, which = tl.max(values, 0, return_indices=True)
    whole = tl.sum(tl.load(total + at, inside, 0.0) * tl.exp(values - largest), 0)
    word = tl.load(ids + which)
    tl.store(result, word.to(tl.float64))
    tl.store(result + 1, -tl.log(whole).to(tl.float64))
    tl.store(following, word)
    tl.store(following + 1, tl.minimum(tl.load(token + 1) + 1, last))
    tl.store(following + 2, tl.load(token + 2) + 1)
