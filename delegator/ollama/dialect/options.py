"""Reads the `options` of a request: which of them belong to the load, and which to this reply (items 6, 18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MIN_NUM_CTX = 4

_TYPES: dict[str, str] = {
    **dict.fromkeys(
        ("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict", "num_predict", "seed",
         "num_keep", "top_k", "repeat_last_n"), "integer"),
    **dict.fromkeys(
        ("temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"),
        "float32"),
    "use_mmap": "boolean",
    "stop": "of strings",
}  # fmt: skip


class OptionInvalid(ValueError):
    """An option of the wrong type. Ollama answers it with 500, so do the stand-ins."""


@dataclass(frozen=True, slots=True)
class LoadKey:
    """All that a runner is loaded with; another key makes it load anew.

    Attributes:
        num_ctx: the window, already capped at what the model was trained on.
        auto_ctx: nobody asked for a window: any runner that was loaded with an automatic one will do.
        num_gpu: layers on GPUs; negative leaves it to Ollama and matches every runner.
    """

    num_ctx: int
    auto_ctx: bool
    num_batch: int = 512
    num_gpu: int = -1
    main_gpu: int = 0
    use_mmap: bool | None = None
    num_thread: int = 0
    draft_num_predict: int = 0
    shift: bool = True

    def fits(self, loaded: LoadKey) -> bool:
        """Tell whether a runner loaded with `loaded` can serve a request with this key (item 18)."""
        same_window = self.num_ctx == loaded.num_ctx or (self.auto_ctx and loaded.auto_ctx)
        same_layers = self.num_gpu < 0 or self.num_gpu == loaded.num_gpu
        return same_window and same_layers and self._others() == loaded._others()

    def _others(self) -> tuple[object, ...]:
        return (self.num_batch, self.main_gpu, self.use_mmap, self.num_thread, self.draft_num_predict, self.shift)


@dataclass(frozen=True, slots=True)
class Options:
    """What a request asks for. `num_predict` negative: no limit but ten windows."""

    load: LoadKey
    num_predict: int = -1
    stop: tuple[str, ...] = ()
    seed: int | None = None


def read_options(values: dict[str, Any], *, train_ctx: int, default_num_ctx: int, shift: bool) -> Options:
    """Read the options of a request for a model trained on `train_ctx` tokens; unknown ones are ignored (item 18).

    Raises:
        OptionInvalid: one is of the wrong type.
    """
    for key, value in values.items():
        if key in _TYPES and not _is(value, _TYPES[key]):
            kind = _TYPES[key]
            raise OptionInvalid(f'option "{key}" must be {kind if kind.startswith("of") else f"of type {kind}"}')
    asked = values.get("num_ctx")
    num_ctx = max(int(asked), MIN_NUM_CTX) if asked is not None else default_num_ctx
    given = {key: values[key] for key in ("use_mmap",) if values.get(key) is not None}
    given |= {
        key: int(values[key])
        for key in ("num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict")
        if values.get(key) is not None
    }
    load = LoadKey(num_ctx=min(num_ctx, train_ctx), auto_ctx=asked is None, shift=shift, **given)
    seed, limit = values.get("seed"), values.get("num_predict")
    return Options(
        load=load,
        num_predict=-1 if limit is None else int(limit),
        stop=tuple(values.get("stop") or ()),
        seed=None if seed is None else int(seed),
    )


def _is(value: Any, kind: str) -> bool:
    if value is None:
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "of strings":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)
