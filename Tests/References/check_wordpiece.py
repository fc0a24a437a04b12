"""Does Hugging Face encode, decode, pair, truncate and learn with WordPiece as we do?

    python check_wordpiece.py DIRECTORY [--gpt PATH] [--text FILE] [--count N]

DIRECTORY is that of a published BERT, with tokenizer.json or vocab.txt. transformers encodes and decodes N texts and pairs
of texts with it, and with the same vocabulary and other options of BertNormalizer; `gpt tokenizer check` compares each with
ours. Then both learn a vocabulary from FILE, and Hugging Face's tokenizers encodes with the file that we write. Exit status 0
only if everything agrees.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import tokenizers
import transformers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from wordpiece_texts import AWKWARD, random_text

OPTIONS = {
    "cased": dict(do_lower_case=False),
    "cased, without accents": dict(do_lower_case=False, strip_accents=True),
    "lower case, with accents": dict(do_lower_case=True, strip_accents=False),
    "Chinese characters in words": dict(do_lower_case=True, tokenize_chinese_chars=False),
}


def vectors(tokenizer, count, words):
    """Lines for `gpt tokenizer check`: alone and in pairs, with and without a greatest length."""
    generator = random.Random(7)
    texts = AWKWARD + [random_text(generator, words) for _ in range(count - len(AWKWARD))]
    for number, text in enumerate(texts):
        vector = {"text": text}
        # To transformers an empty text is none.
        other = (texts[generator.randrange(len(texts))] or None) if number % 3 == 1 else None
        limit = generator.choice([3, 4, 5, 8, 16, 64, 128]) if number % 3 != 0 else None
        if limit:
            vector["maximum_length"] = limit
        if other is not None:
            vector["pair"] = other
        encoded = tokenizer(text, other, truncation=bool(limit), max_length=limit, return_token_type_ids=True)
        ids = encoded["input_ids"]
        vector["ids"], vector["type_ids"] = ids, encoded["token_type_ids"]
        vector["decoded"] = tokenizer.decode(ids)
        vector["decoded_without_special"] = tokenizer.decode(ids, skip_special_tokens=True)
        yield vector


def compare(name, tokenizer, directory, options, words):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for vector in vectors(tokenizer, options.count, words):
            file.write(json.dumps(vector) + "\n")
        file.flush()
        result = subprocess.run(
            [options.gpt, "tokenizer", "check", file.name, "--tokenizer", directory], capture_output=True, text=True
        )
    print(f"{name}: {result.stdout.strip()}{result.stderr.strip()}")
    return result.returncode == 0


def check_published(options, words):
    """The tokenizer as it is, and with other options: from tokenizer.json, and from vocab.txt."""
    published = transformers.AutoTokenizer.from_pretrained(options.directory)
    passed = compare("as published", published, options.directory, options, words)
    vocabulary = published.get_vocab()
    for name, changed in OPTIONS.items():
        tokenizer = transformers.BertTokenizer(vocab=vocabulary, **changed)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer.save_pretrained(folder)
            passed &= compare(name, tokenizer, folder, options, words)
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
                file.writelines(token + "\n" for token in sorted(vocabulary, key=vocabulary.get))
            with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
                json.dump({"tokenizer_class": "BertTokenizer", **changed}, file)
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            passed &= compare(f"{name}, vocab.txt", tokenizer, folder, options, words)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = transformers.BertTokenizer(vocab=vocabulary)
        tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer(clean_text=False)
        path = os.path.join(folder, "tokenizer.json")
        tokenizer.backend_tokenizer.save(path)
        read = transformers.PreTrainedTokenizerFast(tokenizer_file=path)
        passed &= compare("control characters kept", read, folder, options, words)
    return passed


def trained_by_hugging_face(text, size, lowercase):
    """Tokens by id. The characters with ## are special tokens here: otherwise they are numbered at random."""
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words = [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]
    alphabet = sorted({character for word in words for character in word})
    within = sorted({character for word in words for character in word[1:]})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + alphabet + ["##" + character for character in within]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([text], trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get)


def check_trained(options, words, size, lowercase):
    with open(options.text, encoding="utf-8", newline="") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "trained")
        command = [options.gpt, "tokenizer", "train", "--kind", "wordpiece", "--text", options.text, "--vocabulary", str(size)]
        subprocess.run(command + ["--out", out, "--quiet"] + ([] if lowercase else ["--cased"]), check=True, capture_output=True)
        with open(os.path.join(out, "tokenizer.json"), encoding="utf-8") as file:
            vocabulary = json.load(file)["model"]["vocab"]
        same = sorted(vocabulary, key=vocabulary.get) == trained_by_hugging_face(text, size, lowercase)
        name = f"trained, {size} tokens, {'lower case' if lowercase else 'cased'}"
        print(f"{name}: the vocabulary is {'the same' if same else 'ANOTHER'}")
        automatic = transformers.AutoTokenizer.from_pretrained(out)
        return compare(name, automatic, out, options, words) and same


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--gpt", default=".build/release/gpt")
    parser.add_argument("--text", help="a text to learn from, whose words are also in the texts")
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    print(f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}")
    words = ["some", "Words", "of", "TEXT", "embedding", "tokenization", "\u00fcber", "\u0434\u0435\u043d\u044c", "\u65e5\u672c"]
    if options.text:
        with open(options.text, encoding="utf-8") as file:
            words += sorted(set(file.read().split()))
    passed = check_published(options, words)
    if options.text:
        for size, lowercase in [(1000, True), (4000, True), (3000, False)]:
            passed &= check_trained(options, words, size, lowercase)
    print("everything agrees" if passed else "there are differences")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
