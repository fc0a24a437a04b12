"""Does transformers compute the embeddings that `gpt embed` writes, and how fast are both?

    python check_embeddings.py DIRECTORY [--gpt PATH] [--texts N] [--rounds N] [--threads N]

DIRECTORY is that of a model of sentence-transformers (BERT). PyTorch computes the embeddings of N texts as its modules.json
says; those of `gpt embed` may differ by 2e-5. Then both embed sentences one at a time and 32 at a time, in turn, in 32-bit
floats; PyTorch's time is that of the model alone, ours contains reading, tokenization and writing. The best round counts.
Exit status 0 only if all embeddings agree.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import numpy
import torch
import transformers

from wordpiece_texts import AWKWARD, random_text

TOLERANCE = 2e-5
WORDS = (
    "the tea is for two and a half she said no three déjà vu naïve façade 12345 it's we'll Привет мир 日本語 embedding "
    "tokenization of unbelievable words sentence transformers compute vectors that mean the same"
).split(" ")


class Reference:
    """The model in PyTorch, with the pooling of its directory."""

    def __init__(self, directory):
        def read(name, default):
            path = os.path.join(directory, name)
            if not os.path.exists(path):
                return default
            with open(path, encoding="utf-8") as file:
                return json.load(file)

        modules = [module["type"].split(".")[-1] for module in read("modules.json", [])]
        pooling = read("1_Pooling/config.json", {})
        self.normalizes = "Normalize" in modules
        self.modes = [mode for mode in ["cls_token", "max_tokens", "mean_tokens"] if pooling.get("pooling_mode_" + mode)] or ["mean_tokens"]
        self.length = read("sentence_bert_config.json", {}).get("max_seq_length")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = transformers.AutoModel.from_pretrained(directory, dtype=torch.float32).eval()
        self.length = self.length or self.model.config.max_position_embeddings

    def encode(self, texts):
        return self.tokenizer([text.strip() for text in texts], padding=True, truncation=True, max_length=self.length, return_tensors="pt")

    def embed(self, batch):
        with torch.no_grad():
            hidden = self.model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).float()
            parts = []
            for mode in self.modes:
                if mode == "cls_token":
                    parts.append(hidden[:, 0])
                elif mode == "max_tokens":
                    parts.append(hidden.masked_fill(mask == 0, -1e9).max(1).values)
                else:
                    parts.append((hidden * mask).sum(1) / mask.sum(1))
            vectors = torch.cat(parts, 1)
            return torch.nn.functional.normalize(vectors, dim=1) if self.normalizes else vectors


def run(options, texts, *arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="") as file:
        file.write("".join(text + "\n" for text in texts))
        file.flush()
        start = time.perf_counter()
        done = subprocess.run(
            [options.gpt, "embed", options.directory, "--text", file.name, "--threads", str(options.threads), *arguments],
            capture_output=True, text=True)
        seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout, seconds


def check(options, reference):
    generator = random.Random(5)
    texts = AWKWARD + [random_text(generator, WORDS) for _ in range(options.texts)]
    # A text is a line, in valid UTF-8 without NUL bytes.
    texts = [text.replace("\n", " ").replace("\0", " ") for text in texts][: options.texts]
    output, _ = run(options, texts, "--json")
    ours = numpy.array([json.loads(line) for line in output.splitlines()], dtype=numpy.float32)
    theirs = numpy.concatenate([reference.embed(reference.encode([text])).numpy() for text in texts])
    difference = float(numpy.abs(ours - theirs).max())
    print(f"{len(texts)} embeddings of {ours.shape[1]} numbers differ by at most {difference:.1e}")
    return ours.shape == theirs.shape and difference <= TOLERANCE


def measure(options, reference):
    generator = random.Random(6)
    sentences = [" ".join(generator.choice(WORDS) for _ in range(generator.randint(6, 18))) for _ in range(options.sentences + 32)]
    tokens = float(reference.encode(sentences)["attention_mask"].sum()) / len(sentences)
    print(f"sentences of {tokens:.1f} tokens, {options.threads} threads")
    for size in [1, 32]:
        batches = [reference.encode(sentences[i : i + size]) for i in range(0, options.sentences, size)]
        best = {"ours": 0.0, "PyTorch": 0.0}
        for _ in range(options.rounds):
            # The time of loading is that of few sentences.
            _, few = run(options, sentences[options.sentences :], "--batch", str(size))
            _, many = run(options, sentences, "--batch", str(size))
            best["ours"] = max(best["ours"], options.sentences / (many - few))
            start = time.perf_counter()
            for batch in batches:
                reference.embed(batch)
            best["PyTorch"] = max(best["PyTorch"], options.sentences / (time.perf_counter() - start))
        ratio = best["ours"] / best["PyTorch"]
        print(f"{size} at a time: ours {best['ours']:.0f} sentences/s, PyTorch {best['PyTorch']:.0f}, ratio {ratio:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--gpt", default=".build/release/gpt")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3, help="0: no measurement")
    parser.add_argument("--sentences", type=int, default=512, help="how many are measured")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.gpt = os.path.abspath(options.gpt)
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    reference = Reference(options.directory)
    passed = check(options, reference)
    if options.rounds > 0:
        measure(options, reference)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
