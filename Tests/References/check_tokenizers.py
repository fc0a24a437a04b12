"""Does Hugging Face read our tokenizers as we do?

    python check_tokenizers.py DIRECTORY... [--text FILE]

Each directory holds the tokenizer.json and tokenizer_config.json of a character or byte vocabulary, as `gpt train`
writes them. What they must do is defined here once more, in a line each: an id per character, or an id per byte.
The libraries `tokenizers` and `transformers` must encode and decode every text below in that way. Exit status 0 only
if they do.
"""

import argparse
import json
import os
import random
import sys

import tokenizers
import transformers

END_OF_TEXT = "<|endoftext|>"


def load(directory):
    """The alphabet by id (None for bytes) and the number of ids, from the file alone."""
    with open(os.path.join(directory, "tokenizer.json"), encoding="utf-8") as file:
        contents = json.load(file)
    vocabulary = contents["model"]["vocab"]
    if contents["pre_tokenizer"] is not None:
        return None, len(vocabulary)
    return {symbol: id for symbol, id in vocabulary.items() if symbol != END_OF_TEXT}, len(vocabulary)


def texts(alphabet, path):
    """Texts that break tokenizers, as far as the alphabet has their characters."""
    awkward = [
        "", " ", "  ", "\n", "\r\n", "\r", "\n\n \n", "\t \t", " a", "a ", "a , b . c ! d ? e", "don't won 't", "<|endoftext|>",
        "a<|endoftext|>b", "\u0120", "\u010a", "e\u0301\u00e9", "\u1f10\u03bd \u1f00\u03c1\u03c7\u1fc7", "\U0001f600\U0001f468\u200d\U0001f469",
        "\u0000\u0085\u2028\ufeff\U0010ffff", "[UNK] [CLS] </s> <s> ##a \u2581a @@", "ﬁ Å \u212b",
    ]
    generator = random.Random(1)
    characters = sorted(alphabet) if alphabet is not None else [chr(c) for c in range(0x250)] + ["\u20ac", "\U0001f600"]
    yield from awkward if alphabet is None else ("".join(c for c in text if c in alphabet) for text in awkward)
    yield "".join(characters)
    for length in [1, 2, 3, 10, 100, 1000] * 20:
        yield "".join(generator.choice(characters) for _ in range(length))
    if path:
        with open(path, encoding="utf-8", newline="") as file:
            yield "".join(c for c in file.read() if alphabet is None or c in alphabet)


def check(directory, path):
    alphabet, size = load(directory)
    fast = tokenizers.Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    fast.encode_special_tokens = True  # take the letters of <|endoftext|> in a text as letters
    automatic = transformers.AutoTokenizer.from_pretrained(directory)

    count = 0
    for text in texts(alphabet, path):
        expected = list(text.encode("utf-8")) if alphabet is None else [alphabet[c] for c in text]
        for name, ids in [("tokenizers", fast.encode(text).ids), ("transformers", automatic(text)["input_ids"])]:
            assert ids == expected, f"{name} encodes {text[:60]!r} as {ids[:60]}, not {expected[:60]}"
        for name, decoded in [("tokenizers", fast.decode(expected)), ("transformers", automatic.decode(expected))]:
            assert decoded == text, f"{name} decodes {text[:60]!r} as {decoded[:60]!r}"
        count += 1

    # Ids in any order, half characters among them.
    generator = random.Random(2)
    spelling = {id: symbol for symbol, id in (alphabet or {}).items()}
    for _ in range(200):
        ids = [generator.randrange(size - 1) for _ in range(generator.randrange(1, 40))]
        expected = bytes(ids).decode("utf-8", "replace") if alphabet is None else "".join(spelling[id] for id in ids)
        for name, decoded in [("tokenizers", fast.decode(ids)), ("transformers", automatic.decode(ids))]:
            assert decoded == expected, f"{name} decodes {ids} as {decoded!r}, not {expected!r}"
        count += 1

    assert len(automatic) == fast.get_vocab_size() == size, "the numbers of ids differ"
    assert automatic.eos_token_id == size - 1, f"the end of text is {automatic.eos_token_id}, not {size - 1}"
    assert automatic.decode([size - 1], skip_special_tokens=True) == ""
    return f"{count} texts, {size} ids"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directories", nargs="+", metavar="DIRECTORY")
    parser.add_argument("--text", metavar="FILE")
    arguments = parser.parse_args()
    print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}")
    failed = False
    for directory in arguments.directories:
        try:
            print(f"{directory}: the same on {check(directory, arguments.text)}")
        except AssertionError as error:
            failed = True
            print(f"{directory}: {error}")
    sys.exit(failed)


main()
