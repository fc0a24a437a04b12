"""Do other programs compute and cut texts as we do, from what `gpt export` writes?

    python check_exports.py --gpt .build/release/gpt [--work DIRECTORY] [--only TEXT] [--steps N] [--strings N]

Every family of language models is made with every kind of tokenizer, with its classifier tied to the embedding and not, trained for
a few steps, and exported in every format. Each runtime that is installed (a function here) then must give the logits of
`gpt logits`, go on from a prompt with the words of `gpt generate --temperature 0`, and turn texts into the same ids.
Encoders and encoder-decoders are made by transformers, and their exports must give its results (encoder_exports.py). What is not installed is said, and left out. Exit status 0 only if all that was tried is right, and something was.
"""

import argparse
import functools
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy
from safetensors.numpy import load_file, save_file

import encoder_exports

END_OF_TEXT = "<|endoftext|>"
# What single precision may differ by; llama.cpp takes GELU from a table of half-precision numbers.
TOLERANCE = 3e-5
TABLE_TOLERANCE = 1e-2
WORDS = (
    "the tea is for two and a half, she said; no—three! déjà vu, naïve façade, smörgåsbord “quoted” 12345 6.75 "
    "it's we'll don't Привет мир 日本語 の 茶 😀 👩‍👩‍👧 e\u0301 x\u0303 ﬁne CamelCase UPPER under_score a+b=c [1, 2] {3}"
).split(" ")


class Skipped(Exception):
    """Why a runtime cannot be tried, or has no place for a model."""


class Case:
    """A model: its directory, what it is of, and what we make of it."""

    def __init__(self, gpt, directory, family, kind):
        self.gpt, self.directory, self.family, self.kind = gpt, directory, family, kind
        with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
            self.configuration = json.load(file)
        self.context = self.configuration.get("n_positions") or self.configuration["max_position_embeddings"]
        self.vocabulary = self.configuration["vocab_size"]
        generator = random.Random(7)
        self.ids = [[generator.randrange(self.vocabulary - 1) for _ in range(self.context // 2)] for _ in range(2)]
        self.logits = self.our_logits(directory)

    def run(self, *arguments, **options):
        done = subprocess.run([self.gpt, *arguments], capture_output=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"gpt {' '.join(arguments)}: {done.stderr.decode().strip()}")
        return done.stdout

    def our_logits(self, model):
        ids, out = os.path.join(self.directory, "ids.json"), os.path.join(self.directory, "logits.safetensors")
        with open(ids, "w", encoding="utf-8") as file:
            json.dump({"input_ids": self.ids}, file)
        self.run("logits", model, "--ids", ids, "--out", out)
        return load_file(out)["logits"]

    def our_continuation(self, prompt, length):
        """What follows the prompt, and its text, which a special token would not be part of."""
        text = self.run(
            "generate", self.directory, "--temperature", "0", "--prompt", prompt, "--length", str(length)
        ).decode("utf-8", errors="replace")
        return text.removesuffix("\n")

    @functools.cache
    def our_ids(self, text):
        out = self.run(
            "tokenizer", "encode", "-", "--tokenizer", self.directory, "--special", "text", "--json",
            input=text.encode("utf-8"),
        )
        return json.loads(out)

    def export(self, format, name, *options):
        path = os.path.join(self.directory, "exported-" + name)
        shutil.rmtree(path, ignore_errors=True)
        done = subprocess.run(
            [self.gpt, "export", self.directory, "--to", format, path, *options], capture_output=True, text=True)
        if done.returncode != 0:
            if "there is no writer of" in done.stderr:
                raise Skipped(done.stderr.strip())
            raise RuntimeError(done.stderr.strip())
        return path


def strings(case, number):
    """Texts that break tokenizers, of characters that the vocabulary has."""
    generator = random.Random(3)
    alphabet = None
    if case.kind == "char":
        with open(os.path.join(case.directory, "tokenizer.json"), encoding="utf-8") as file:
            alphabet = [c for c in json.load(file)["model"]["vocab"] if c != END_OF_TEXT]
    awkward = [
        " ", "  ", "\n", "\n\n \n", " a", "a ", "a , b . c ! d ? e", "don't won 't I'LL", END_OF_TEXT, f"a{END_OF_TEXT}b",
        "\t \t x", "\r\n\r", "\u0120", "e\u0301\u00e9", "1234567 89", "   x   y  ", "\U0001f600\U0001f468\u200d\U0001f469", "\u00a0\u2003x",
    ]
    known = set(alphabet) if alphabet else None
    texts = []
    while len(texts) < number:
        if awkward:
            text = awkward.pop()
        elif generator.random() < 0.5:
            text = " ".join(generator.choice(WORDS) for _ in range(generator.randint(1, 12)))
        else:
            pool = alphabet or [chr(c) for c in range(0x20, 0x250)] + list("\n\t\u20ac\u4e2d\U0001f600 ")
            text = "".join(generator.choice(pool) for _ in range(generator.randint(1, 40)))
        text = "".join(c for c in text if known is None or c in known)
        if text:
            texts.append(text)
    return texts


def training_text():
    generator = random.Random(5)
    lines = [" ".join(generator.choice(WORDS) for _ in range(generator.randint(3, 14))) for _ in range(600)]
    return "\n".join(lines) + "\n"


# Runtimes: each takes a case and answers with logits, ids of a text, and the continuation of a prompt.


class Transformers:
    name, tolerance = "transformers", lambda self, case: TOLERANCE

    def __init__(self):
        try:
            import torch
            import transformers
        except ImportError as error:
            raise Skipped(f"{error}")
        transformers.logging.disable_progress_bar()
        self.torch, self.transformers = torch, transformers

    def load(self, case, path=None):
        path = path or case.export("hf", "hf")
        self.transformers.logging.set_verbosity_warning()
        heard = []
        handler = logging.Handler()
        handler.emit = lambda record: heard.append(record.getMessage())
        logger = self.transformers.logging.get_logger("transformers")
        logger.addHandler(handler)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self.tokenizer = self.transformers.AutoTokenizer.from_pretrained(path)
                self.model, report = self.transformers.AutoModelForCausalLM.from_pretrained(
                    path, output_loading_info=True, dtype=self.torch.float32)
        finally:
            logger.removeHandler(handler)
        heard += [str(warning.message) for warning in caught]
        if heard:
            raise AssertionError(f"transformers warns: {heard[0]}")
        self.transformers.logging.set_verbosity_error()  # texts may be longer than the context
        for what in ["missing_keys", "unexpected_keys", "mismatched_keys"]:
            if report[what]:
                raise AssertionError(f"{what}: {sorted(report[what])[:3]}")

    def logits(self, ids):
        with self.torch.no_grad():
            return self.model(self.torch.tensor(ids)).logits.numpy()

    def encode(self, text):
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]

    def continuation(self, ids, length, banned):
        made = self.model.generate(
            self.torch.tensor([ids]), max_new_tokens=length, do_sample=False, suppress_tokens=banned,
            attention_mask=self.torch.ones(1, len(ids), dtype=self.torch.long), pad_token_id=0)
        return self.tokenizer.decode(made[0], skip_special_tokens=True)


class LlamaCpp:
    name = "llama.cpp"

    def tolerance(self, case):
        return TABLE_TOLERANCE if case.family == "gpt2" else TOLERANCE

    def __init__(self):
        try:
            import llama_cpp
        except (ImportError, RuntimeError, OSError) as error:
            raise Skipped(f"{error}")
        self.module = llama_cpp

    def load(self, case, path=None):
        path = path or case.export("gguf", "model.gguf")
        self.context = case.context
        # Keys and values as we keep them: llama.cpp would round them to half precision.
        self.model = self.module.Llama(
            path, n_ctx=max(case.context, 8), logits_all=True, verbose=False, type_k=0, type_v=0, flash_attn=False,
            n_threads=2, n_threads_batch=2)

    def precisions(self, case):
        """Whether it computes with fewer bits what we compute from the same file, but for rounding on the way."""
        shares = []
        for precision in ["f16", "bf16", "q8_0"]:
            path = case.export("gguf", f"model-{precision}.gguf", "--precision", precision)
            expected = case.our_logits(path)
            self.load(case, path)
            difference = self.logits(case.ids)[:, :, : case.vocabulary] - expected
            share = float(difference.std() / expected.std())
            if not share <= 0.05:
                raise AssertionError(f"in {precision} the logits differ by {share:.2f} of their spread")
            shares.append(f"{precision} {share:.0e}")
        return ", ".join(shares) + " of the spread"

    def row(self, ids):
        self.model.reset()
        self.model.eval(ids)
        return numpy.array(self.model.scores[: len(ids)])

    def logits(self, ids):
        return numpy.stack([self.row(row) for row in ids])

    def encode(self, text):
        return self.model.tokenize(text.encode("utf-8"), add_bos=False, special=False)

    def continuation(self, ids, length, banned):
        ids = list(ids)
        for _ in range(length):
            last = self.row(ids)[-1]
            last[banned] = -numpy.inf
            ids.append(int(last.argmax()))
        return self.model.detokenize(ids).decode("utf-8", errors="replace")


class OnnxRuntime:
    name, tolerance = "onnxruntime", lambda self, case: TOLERANCE

    def __init__(self):
        try:
            import onnxruntime
        except ImportError as error:
            raise Skipped(f"{error}")
        self.module = onnxruntime

    def load(self, case):
        self.session = self.module.InferenceSession(
            case.export("onnx", "model.onnx"), providers=["CPUExecutionProvider"])

    def logits(self, ids):
        inputs = {"input_ids": numpy.array(ids, dtype=numpy.int64)}
        return self.session.run(["logits"], inputs)[0]


class TorchScript:
    name, tolerance = "torchscript", lambda self, case: TOLERANCE

    def __init__(self):
        try:
            import torch
        except ImportError as error:
            raise Skipped(f"{error}")
        self.torch = torch

    def load(self, case):
        path = case.export("torchscript", "model.pt")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that torch.jit is to go
            self.model = self.torch.jit.load(path)
        # Not every tokenizer has a form there.
        if hasattr(self.model, "encode"):
            self.encode = self.model.encode
            self.continuation = lambda ids, length, banned: self.model.decode(self.model.generate_ids(ids, length))

    def logits(self, ids):
        with self.torch.no_grad():
            return self.model(self.torch.tensor(ids)).numpy()


RUNTIMES = [Transformers, LlamaCpp, OnnxRuntime, TorchScript]


def check(case, runtime, number):
    """Holds a runtime against a case; answers with what was seen, or throws what is wrong."""
    runtime.load(case)
    expected = case.logits
    logits = runtime.logits(case.ids)[:, :, : case.vocabulary]
    difference = float(numpy.abs(logits - expected).max())
    if not difference <= runtime.tolerance(case):
        raise AssertionError(f"the logits differ by {difference:.1e}, more than {runtime.tolerance(case):.0e}")
    seen = [f"logits {difference:.1e}"]
    if hasattr(runtime, "encode"):
        texts = strings(case, number)
        for text in texts:
            ids, others = case.our_ids(text), list(runtime.encode(text))
            if ids != others:
                raise AssertionError(f"{text!r} is {others}, where ours is {ids}")
        seen.append(f"{len(texts)} texts")
    if hasattr(runtime, "continuation"):
        prompt = "the tea is"
        ids = case.our_ids(prompt)
        length = min(12, case.context - len(ids))
        ours = case.our_continuation(prompt, length)
        theirs = runtime.continuation(ids, length, [case.vocabulary - 1])
        if ours != theirs:
            raise AssertionError(f"it goes on with {theirs!r}, where we do with {ours!r}")
        seen.append(f"{length} tokens on")
    if hasattr(runtime, "precisions"):
        seen.append(runtime.precisions(case))
    return ", ".join(seen)


def untied(source, directory):
    """The same model with a classifier of its own."""
    shutil.copytree(source, directory, ignore=shutil.ignore_patterns("training", "exported-*"))
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        configuration = json.load(file)
    configuration["tie_word_embeddings"] = False
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(configuration, file)
    path = os.path.join(directory, "model.safetensors")
    weights = load_file(path)
    embedding = next(weights[name] for name in ["transformer.wte.weight", "model.embed_tokens.weight"] if name in weights)
    noise = numpy.random.default_rng(1).standard_normal(embedding.shape, dtype=numpy.float32)
    weights["lm_head.weight"] = embedding + 0.05 * noise
    save_file(weights, path, metadata={"format": "pt"})


# How `gpt train` is asked for each family.
FAMILIES = {
    "gpt2": ["--family", "gpt2"],
    "llama": ["--family", "llama", "--kv-heads", "2"],
    "qwen3": ["--family", "qwen3", "--kv-heads", "2"],
}
KINDS = {"char": "char", "byte": "byte", "bpe": "bpe:320"}


def cases(arguments, work):
    text = os.path.join(work, "text.txt")
    with open(text, "w", encoding="utf-8") as file:
        file.write(training_text())
    for family, options in FAMILIES.items():
        for kind, tokenizer in KINDS.items():
            tied = os.path.join(work, f"{family}-{kind}-tied")
            names = [f"{family}-{kind}-{tying} {runtime.name}" for tying in ["tied", "untied"] for runtime in arguments.runtimes]
            if not any(arguments.only in name for name in names):
                continue
            command = [
                arguments.gpt, "train", "--quiet", "--text", text, "--tokenizer", tokenizer, "--layers", "2", "--heads", "4",
                "--width", "64", "--context", "64", "--batch", "8", "--steps", str(arguments.steps), "--precision", "f32",
                "--lr", "0.003", "--out", tied, *options,
            ]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(done.stderr.strip())
            other = os.path.join(work, f"{family}-{kind}-untied")
            untied(tied, other)
            for directory in [tied, other]:
                yield Case(arguments.gpt, directory, family, kind)


def encoder_checks(arguments, work):
    """The checks of encoders and encoder-decoders, if transformers is there to make them."""
    if not any(runtime.name == "transformers" for runtime in arguments.runtimes):
        return []
    return encoder_exports.check(arguments.gpt, work, os.path.join(work, "text.txt"), arguments.only)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpt", required=True, help="the command")
    parser.add_argument("--work", help="where models are made; kept (default: a folder that goes away)")
    parser.add_argument("--only", default="", help="only cases and runtimes whose names hold this")
    parser.add_argument("--steps", type=int, default=60, help="how long each model is trained")
    parser.add_argument("--strings", type=int, default=200, help="how many texts are cut")
    arguments = parser.parse_args()
    arguments.gpt = os.path.abspath(arguments.gpt)

    runtimes = []
    for make in RUNTIMES:
        try:
            runtimes.append(make())
        except Skipped as reason:
            print(f"skipped {make.name}: {reason}", file=sys.stderr)
    arguments.runtimes = runtimes
    tried = failed = 0
    told = set()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or temporary
        os.makedirs(work, exist_ok=True)
        for case in cases(arguments, work):
            for runtime in runtimes:
                name = f"{os.path.basename(case.directory)} {runtime.name}"
                if arguments.only not in name:
                    continue
                try:
                    seen = check(case, runtime, arguments.strings)
                except Skipped as reason:
                    if runtime.name not in told:
                        print(f"skipped {runtime.name}: {reason}", file=sys.stderr)
                    told.add(runtime.name)
                    continue
                except (AssertionError, RuntimeError) as problem:
                    failed += 1
                    print(f"FAIL {name}: {problem}")
                else:
                    tried += 1
                    print(f"ok   {name}: {seen}")
                sys.stdout.flush()
        for name, run in encoder_checks(arguments, work):
            try:
                seen = run()
            except ImportError as reason:
                print(f"skipped {name}: {reason}", file=sys.stderr)
            except (AssertionError, RuntimeError) as problem:
                failed += 1
                print(f"FAIL {name}: {problem}")
            else:
                tried += 1
                print(f"ok   {name}: {seen}")
            sys.stdout.flush()
    print(f"{tried} as they should be, {failed} not")
    sys.exit(0 if failed == 0 and tried > 0 else 1)


if __name__ == "__main__":
    main()
