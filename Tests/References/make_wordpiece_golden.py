#!/usr/bin/env python3
"""Writes made-up WordPiece tokenizers, and what Hugging Face's tokenizers makes of texts with them, for the tests.

    make_wordpiece_golden.py ../Fixtures/tokenizers

wordpiece-golden.jsonl has a line for each text: the options of BertNormalizer, the ids and types of ids of the text or pair
of texts, truncated or not, and the decoded text. wordpiece-tokenizer.json is the tokenizer with the default options.
"""
import json
import os
import random
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from wordpiece_texts import AWKWARD, random_text

WORDS = ["tea", "teas", "time", "untimely", "\u00fcber", "na\u00efve", "\u0447\u0430\u0439", "\u8336", "tokens"]
PIECES = ["un", "time", "tea", "te", "na", "to", "ive", "ken", "uber", "\u00fcber", "ly", "ber", "\u0447\u0430", "do not"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789ABDEINST\u00e9\u00df\u0131\u03c3\u03c2\u03bf\u03b4\u03c3\u1100\u1161\u11a8\uac01\u4f60\u597d\u65e5\u8c48\u0301\u0307\u302e\u0e33\u0430\u0447\u0439\u0438\u2764"
OPTIONS = [
    {}, {"lowercase": False}, {"lowercase": False, "strip_accents": True}, {"strip_accents": False},
    {"handle_chinese_chars": False}, {"clean_text": False, "strip_accents": False},
]


def make(options):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = special + sorted(set(LETTERS)) + list("!,.?'[]#-") + PIECES + ["##" + c for c in sorted(set(LETTERS))]
    tokens += ["##" + piece for piece in PIECES] + ["##"]
    tokens = list(dict.fromkeys(tokens))
    tokenizer = Tokenizer(models.WordPiece({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]", max_input_chars_per_word=40))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special[:4] + [AddedToken("[MASK]", lstrip=True)])
    tokenizer.add_tokens([AddedToken("\u00dcber Tea", normalized=True), AddedToken("Cup", normalized=False, single_word=True)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def lines(options, generator):
    tokenizer = make(options)
    texts = AWKWARD + ["a \u00dcBER tea[MASK] Cup CupCup cup uber Tea", "do not stop . ? ! , ' x n't 's"]
    texts += [random_text(generator, WORDS)[:80] for _ in range(12)]
    for number, text in enumerate(texts):
        line = {"options": options, "text": text}
        other = generator.choice(texts) if number % 3 == 1 else None
        limit = generator.choice([3, 4, 7, 12, 33]) if number % 3 != 0 else None
        if limit:
            tokenizer.enable_truncation(limit)
            line["maximum_length"] = limit
        else:
            tokenizer.no_truncation()
        if other is not None:
            line["pair"] = other
        encoded = tokenizer.encode(text, other)
        line["ids"], line["type_ids"] = encoded.ids, encoded.type_ids
        line["decoded"] = tokenizer.decode(encoded.ids, skip_special_tokens=False)
        line["decoded_without_special"] = tokenizer.decode(encoded.ids)
        yield json.dumps(line)


folder, generator = sys.argv[1], random.Random(3)
make({}).save(os.path.join(folder, "wordpiece-tokenizer.json"))
with open(os.path.join(folder, "wordpiece-golden.jsonl"), "w") as file:
    for options in OPTIONS:
        file.writelines(line + "\n" for line in lines(options, generator))
