"""Runs exported ONNX files in onnxruntime, at sizes they were not traced at, and compares with the program's own logits.

    python check_onnx.py MODEL FILE.onnx [FILE.onnx ...] [--gpt .build/release/gpt]

MODEL is the directory the files were exported from, with or without a cache; which it is, their inputs say. Each file must
be valid to onnx.checker, carry the tokenizer and the configuration, agree in every logit to 3e-5 of their size, and
continue a text greedily as the model itself does. Needs onnx, onnxruntime, safetensors and numpy.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 3e-5


def program_logits(arguments, ids):
    """Logits (B, T, V) as `gpt logits` has them."""
    with tempfile.TemporaryDirectory() as folder:
        tokens, logits = pathlib.Path(folder, "ids.json"), pathlib.Path(folder, "logits.safetensors")
        tokens.write_text(json.dumps({"input_ids": ids.tolist()}))
        command = [arguments.gpt, "logits", arguments.model, "--ids", str(tokens), "--out", str(logits)]
        subprocess.run(command, check=True, capture_output=True)
        return load_file(logits)["logits"]


class Exported:
    """An exported file in onnxruntime, fed piece by piece where it has a cache."""

    def __init__(self, path):
        onnx.checker.check_model(path, full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 2
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.pasts = [value for value in self.session.get_inputs() if value.name.startswith("past_key_values")]
        self.names = [value.name for value in self.session.get_outputs()]
        self.metadata = self.session.get_modelmeta().custom_metadata_map

    def empty_past(self, batch):
        """Keys and values of no tokens."""
        return {
            value.name: numpy.zeros([batch, value.shape[1], 0, value.shape[3]], numpy.float32) for value in self.pasts
        }

    def step(self, ids, past):
        outputs = dict(zip(self.names, self.session.run(None, {"input_ids": ids, **past})))
        present = {name.replace("present", "past_key_values"): outputs[name] for name in self.names if name != "logits"}
        return outputs["logits"], present

    def logits(self, ids, pieces):
        """Logits of all positions, the tokens given in pieces of these lengths."""
        past, parts, start = self.empty_past(len(ids)), [], 0
        for length in pieces:
            logits, past = self.step(ids[:, start : start + length], past)
            parts.append(logits)
            start += length
        return numpy.concatenate(parts, axis=1)

    def greedy(self, ids, count):
        """The ids and the `count` most likely ones after them."""
        past, new = self.empty_past(len(ids)), ids
        for _ in range(count):
            logits, present = self.step(new if self.pasts else ids, past)
            past = present
            new = logits[:, -1].argmax(-1)[:, None].astype(numpy.int64)
            ids = numpy.concatenate([ids, new], axis=1)
        return ids


def difference(actual, expected):
    size = max(1.0, float(numpy.sqrt((expected.astype(numpy.float64) ** 2).mean())))
    return float(numpy.abs(actual - expected).max()) / size


def check(path, arguments, random):
    exported = Exported(path)
    configuration = json.loads(exported.metadata["config.json"])
    saved = json.loads(pathlib.Path(arguments.model, "config.json").read_text())
    for key in ["model_type", "vocab_size", "n_embd", "n_layer", "hidden_size", "num_hidden_layers"]:
        assert configuration.get(key) == saved.get(key), f"another {key}"
    tokenizer = pathlib.Path(arguments.model, "tokenizer.json")
    if tokenizer.exists():
        assert json.loads(exported.metadata["tokenizer.json"]) == json.loads(tokenizer.read_text()), "another tokenizer"

    vocabulary = configuration["vocab_size"]
    context = min(configuration.get("n_positions") or configuration.get("max_position_embeddings") or 64, 300)
    worst = 0.0
    for batch, length in {(1, 1), (2, min(7, context)), (5, min(2, context)), (1, min(33, context)), (2, context)}:
        ids = random.integers(0, vocabulary, [batch, length], dtype=numpy.int64)
        expected = program_logits(arguments, ids)
        schedules = [[length]]
        if exported.pasts:
            half = length // 2
            schedules += [[1] * min(length, 20) + [length - 20] * (length > 20), [length - half, half][: 1 + (half > 0)]]
        for pieces in schedules:
            worst = max(worst, difference(exported.logits(ids, pieces), expected))
    assert worst <= arguments.tolerance, f"logits differ by {worst:.1e} of their size"

    prompt = random.integers(0, vocabulary, [2, min(5, context)], dtype=numpy.int64)
    count = min(24, context - prompt.shape[1])
    if count > 0:
        text = exported.greedy(prompt, count)
        expected = program_logits(arguments, text[:, :-1])[:, prompt.shape[1] - 1 :]
        chosen = numpy.take_along_axis(expected, text[:, prompt.shape[1] :, None], axis=2)[..., 0]
        behind = float((expected.max(-1) - chosen).max())
        assert behind <= max(1e-4, arguments.tolerance), f"a greedy token is {behind:.1e} behind the model's own choice"
    return f"{len(exported.pasts)} inputs of a cache, logits within {worst:.1e}, {count} greedy tokens"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--gpt", default=".build/release/gpt")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="larger for weights of 16 bits")
    arguments = parser.parse_args()
    random, failed = numpy.random.default_rng(1), False
    for path in arguments.files:
        try:
            print(f"{path}: {check(path, arguments, random)}")
        except Exception as error:
            failed = True
            print(f"{path}: {type(error).__name__}: {error}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
