"""Does PyTorch compute from our TorchScript archives what we do?

    python check_torchscript.py MODEL... [--gpt PATH] [--length N]

For each model directory `gpt export` writes an archive, which `torch.jit.load` must take. Then are compared

- its logits, for batches and lengths up to the context, with those of `gpt logits`: to 3e-5;
- its parameters, by name, with those of the model's files;
- its generate_ids and generate at temperature 0, over several contexts, with `gpt generate --temperature 0`;
- its encode and decode of 200 texts with `gpt tokenizer encode` and `decode`, where it knows text.

Exit status 0 only if all agree.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

import safetensors.torch
import torch

warnings.simplefilter("ignore")

LETTERS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " ", "\n\r\t", ".,;:!?-\"'()[]{}<>|/\\@#$%&*_+=~`^",
    "äöüßéèêçñåøæœÿĀğİıžſ", "αβγδεζηθικλμνξοπρσςτυφχψωΑΒΓΔ", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "אבגדהוזחטיכלמנסעפצקרשת",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", "हिन्दीभाषा", "日本語漢字中文", "ひらがなカタカナ", "한국어글자", "٠١٢٣٤٥٦٧٨٩०१२३½¾²ⅧⅨ①②㉑〇",
    "\u00a0\u2003\u3000\u2028\u0085\u200b\ufeff", "\u0301\u0308\u0327\u20dd", "😀👨👩🇩🇪🏳\u200d\ufe0f", "\U00010330𝔘𝔫𝔦𝟘𝟙\U0010ffff\u0000\u001f",
]
WORDS = [
    "it's", "they'll", "we've", "you're", "I'd", "I'm", "don't", "'s", "'S", "''", "'l", "'", "don''t", "  two", "   three\n\n\n",
    "\n  x", " \n", "\t\ta", "<|endoftext|>", "12345", "a1b2", "naïve", "e\u0301", "日本 語", "x  ", " é", "  é", " ١٢", "...", " ...",
]


class Failure(Exception):
    pass


def run(arguments, **options):
    result = subprocess.run(arguments, capture_output=True, **options)
    if result.returncode != 0:
        raise Failure(f"{' '.join(arguments[1:3])}: {result.stderr.decode().strip()}")
    return result.stdout


def texts(archive):
    """200 texts of which most tokenizers cut some wrongly, as far as the archive has words for them."""
    generator = random.Random(1)
    result = ["", " ", "  ", "\n", "a"] + WORDS
    while len(result) < 200:
        parts = []
        for _ in range(generator.randint(1, 12)):
            if generator.random() < 0.3:
                parts.append(generator.choice(WORDS))
            else:
                letters = generator.choice(LETTERS)
                parts.append("".join(generator.choice(letters) for _ in range(generator.randint(1, 6))))
            if generator.random() < 0.4:
                parts.append(" ")
        result.append("".join(parts))
    if hasattr(archive, "characters"):
        known = set(archive.characters)
        result = ["".join(c if c in known else generator.choice(archive.characters) for c in text) for text in result]
    return result


def check_logits(gpt, model, archive, size, context, folder):
    generator = torch.Generator().manual_seed(1)
    worst = 0.0
    for batch, length in [(1, 1), (2, min(context, 7)), (3, context)]:
        ids = torch.randint(0, size, (batch, length), generator=generator)
        path, out = os.path.join(folder, "ids.json"), os.path.join(folder, "logits.safetensors")
        with open(path, "w") as file:
            json.dump({"input_ids": ids.tolist()}, file)
        run([gpt, "logits", model, "--ids", path, "--out", out])
        expected = safetensors.torch.load_file(out)["logits"]
        actual = archive(ids)
        if actual.shape != expected.shape:
            raise Failure(f"logits of shape {tuple(actual.shape)}, not {tuple(expected.shape)}")
        worst = max(worst, (actual - expected).abs().max().item())
    if not worst <= 3e-5:
        raise Failure(f"logits differ by {worst:.1e}")
    return f"logits within {worst:.1e}"


def check_parameters(model, archive):
    expected = safetensors.torch.load_file(os.path.join(model, "model.safetensors"))
    actual = archive.state_dict()
    if set(actual) != set(expected):
        raise Failure(f"other parameters: {sorted(set(actual) ^ set(expected))[:5]}")
    for name, tensor in expected.items():
        if not torch.equal(actual[name], tensor.float()):
            raise Failure(f"the parameter {name} differs")
    return f"{len(actual)} parameters"


def check_text(gpt, model, archive):
    cases = texts(archive)
    for text in cases:
        line = run([gpt, "tokenizer", "encode", "--tokenizer", model, "--special", "text", "--json"], input=text.encode())
        expected = json.loads(line)
        actual = archive.encode(text)
        if actual != expected:
            raise Failure(f"{text!r} is encoded as {actual}, not {expected}")
        if archive.decode(actual) != text:
            raise Failure(f"{actual} is decoded as {archive.decode(actual)!r}, not {text!r}")
    # Ids that no text has: tokens cut within characters.
    generator = random.Random(2)
    size = max(max(archive.encode(text), default=0) for text in cases) + 1
    for _ in range(50):
        ids = [generator.randrange(size) for _ in range(generator.randint(1, 20))]
        command = [gpt, "tokenizer", "decode", "--tokenizer", model, "--skip-special"]
        expected = run(command, input=json.dumps(ids).encode()).decode()
        if archive.decode(ids) != expected:
            raise Failure(f"{ids} is decoded as {archive.decode(ids)!r}, not {expected!r}")
    return f"{len(cases)} texts"


def check_generation(gpt, model, archive, context, length):
    prompts = ["", "the ", "a" * (context + 3)] if hasattr(archive, "encode") else []
    made = 0
    for prompt in prompts:
        command = [gpt, "generate", model, "--temperature", "0", "--length", str(length), "--prompt", prompt]
        expected = run(command, stdin=subprocess.DEVNULL).decode()
        actual = archive.generate(prompt, length) + "\n"
        if actual != expected:
            raise Failure(f"{prompt[:20]!r} goes on {actual!r}, not {expected!r}")
        if archive.generate_ids(archive.encode(prompt) or [0], 3)[: len(archive.encode(prompt))] != archive.encode(prompt):
            raise Failure("the ids do not begin with the prompt's")
        made += length
    # Drawn tokens are tokens, and follow the seed.
    draws = []
    for _ in range(2):
        torch.manual_seed(7)
        draws.append(archive.generate_ids([1], 20, 1.0))
    if draws[0] != draws[1] or len(draws[0]) != 21:
        raise Failure(f"drawn ids are {draws}")
    for ids, n, temperature in [([], 1, 0.0), ([-1], 1, 0.0), ([1 << 40], 1, 0.0), ([1], 1, -1.0)]:
        try:
            archive.generate_ids(ids, n, temperature)
        except torch.jit.Error:
            continue
        raise Failure(f"{ids} at temperature {temperature} is not refused")
    return f"{made} tokens generated alike"


def check(gpt, model, length):
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        configuration = json.load(file)
    context = configuration.get("n_positions") or configuration.get("max_position_embeddings") or 16
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.pt")
        run([gpt, "export", model, "--to", "torchscript", path])
        archive = torch.jit.load(path)
        done = [
            check_logits(gpt, model, archive, configuration["vocab_size"], context, folder),
            check_parameters(model, archive),
        ]
        if hasattr(archive, "encode"):
            done.append(check_text(gpt, model, archive))
        done.append(check_generation(gpt, model, archive, context, length or 3 * context))
        # What is loaded can be saved, frozen and loaded again.
        torch.jit.freeze(archive.eval())
        archive.save(path)
        torch.jit.load(path)
    return ", ".join(done)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--gpt", default=".build/release/gpt", help="the command")
    parser.add_argument("--length", type=int, help="how many tokens to generate (default: three contexts)")
    arguments = parser.parse_args()
    failed = False
    with torch.no_grad():
        for model in arguments.models:
            try:
                print(f"{model}: {check(arguments.gpt, model, arguments.length)}", flush=True)
            except Failure as failure:
                print(f"{model}: {failure}", flush=True)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
