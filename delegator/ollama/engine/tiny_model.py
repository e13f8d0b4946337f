"""Writes a model of some 3 MB that really runs: a llama whose weights are a table of which word follows which.

The embedding of a piece is its own unit vector, attention and feed-forward add nothing, and the output matrix holds the
logarithm of the table. So one true forward pass of llama.cpp speaks `CORPUS`, ends by itself, and needs no download.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

CORPUS = """
the plan is simple : read the task , split the work , then ask the team . the team is small and the team is ready .
the developer writes the code and the tester runs the tests . the tests are green . the code is clean .
the architect draws the design . the design is short and the design is clear . the review is done .
we load a model when a role needs the model and we unload the model when the work is done .
a small model is enough for a simple task . a large model is slow . memory is short so the team waits .
the answer is yes . the answer is no . the risk is low and the cost is fair .
"""

TRAINED_CTX = 32_768
"""Tokens of window the model claims to be trained on; llama.cpp gives no larger one."""

_HEADS = 5
_HEAD_DIM = 128
_DIM = _HEADS * _HEAD_DIM
"""Width of the embedding, and number of pieces: one dimension for each."""

_UNKNOWN, _BOS, _EOS, _TURN, _TURN_END = range(5)
_CONTROLS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
_SPACE = "\u2581"

_UNSEEN = 1e-9
"""Weight of a pair that the corpus does not have."""

_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_model(path: Path, *, embeds: bool = False) -> None:
    """Write a tiny model to `path`, a GGUF file named like the model; takes some 20 ms.

    Args:
        path: where to; the same path gives the same bytes.
        embeds: it answers with vectors, not with text.
    """
    vocabulary = _vocabulary()
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    _describe(writer, path.stem, embeds=embeds)
    _add_tokenizer(writer, vocabulary)
    _add_weights(writer, _log_follow({piece: index for index, (piece, _, _) in enumerate(vocabulary)}))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(path)


def _words() -> list[str]:
    return [_SPACE + word for word in CORPUS.split()]


def _vocabulary() -> list[tuple[str, float, gguf.TokenType]]:
    """Return (text, score, type) of every piece; the tokenizer joins the neighbours with the best score first.

    Words are reached by joining one letter after the other, so every beginning of a word is a piece too.
    """
    control, byte, normal = gguf.TokenType.CONTROL, gguf.TokenType.BYTE, gguf.TokenType.NORMAL
    pieces = [(text, 0.0, control) for text in _CONTROLS]
    pieces[_UNKNOWN] = (_CONTROLS[_UNKNOWN], 0.0, gguf.TokenType.UNKNOWN)
    pieces += [(f"<0x{value:02X}>", 0.0, byte) for value in range(256)]
    scores = dict.fromkeys([_SPACE, *map(chr, range(33, 127))], -1000.0)
    for rank, word in enumerate(sorted(set(_words()))):
        for length in range(2, len(word) + 1):
            scores.setdefault(word[:length], -1.0 - rank / 100 - (len(word) - length) / 1000)
    pieces += [(text, score, normal) for text, score in scores.items()]
    if len(pieces) > _DIM:
        raise ValueError(f"the corpus needs {len(pieces)} pieces, the model has room for {_DIM}")
    return pieces + [(f"<unused{index}>", -2000.0, normal) for index in range(len(pieces), _DIM)]


def _log_follow(index_of: dict[str, int]) -> NDArray[np.float64]:
    """Return ln P(next piece | piece), shape (piece, next piece)."""
    weights = np.full((_DIM, _DIM), _UNSEEN)
    spoken = [index_of[word] for word in _words()]
    for one, following in itertools.pairwise(spoken):
        weights[one, following] += 1
    weights[index_of[_SPACE + "."], _TURN_END] += 3  # a sentence may be the last one
    silent = weights.sum(axis=1) < 0.5
    weights[silent, index_of[_SPACE + "the"]] += 1  # whatever else was said: begin a sentence
    follow: NDArray[np.float64] = np.log(weights / weights.sum(axis=1, keepdims=True))
    return follow


def _describe(writer: gguf.GGUFWriter, name: str, *, embeds: bool) -> None:
    writer.add_name(name)
    writer.add_context_length(TRAINED_CTX)
    writer.add_embedding_length(_DIM)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(_HEAD_DIM)
    writer.add_vocab_size(_DIM)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if embeds:
        writer.add_pooling_type(gguf.PoolingType.MEAN)


def _add_tokenizer(writer: gguf.GGUFWriter, vocabulary: list[tuple[str, float, gguf.TokenType]]) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text.encode() for text, _, _ in vocabulary])
    writer.add_token_scores([score for _, score, _ in vocabulary])
    writer.add_token_types([kind for _, _, kind in vocabulary])
    writer.add_bos_token_id(_BOS)
    writer.add_eos_token_id(_TURN_END)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)  # with it, llama.cpp cannot set up the sampler for a JSON schema
    writer.add_chat_template(_TEMPLATE)


def _add_weights(writer: gguf.GGUFWriter, log_follow: NDArray[np.float64]) -> None:
    half, full = np.float16, np.float32
    writer.add_tensor("token_embd.weight", np.eye(_DIM, dtype=half))
    writer.add_tensor("output_norm.weight", np.ones(_DIM, dtype=full))
    # The norm in front of the output makes a unit vector sqrt(dim) long
    writer.add_tensor("output.weight", np.ascontiguousarray(log_follow.T / math.sqrt(_DIM), dtype=half))
    for norm in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{norm}.weight", np.ones(_DIM, dtype=full))
    for projection in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.0.{projection}.weight", np.zeros((_DIM, _DIM), dtype=half))
    for projection, shape in (("ffn_gate", (32, _DIM)), ("ffn_up", (32, _DIM)), ("ffn_down", (_DIM, 32))):
        writer.add_tensor(f"blk.0.{projection}.weight", np.zeros(shape, dtype=half))
