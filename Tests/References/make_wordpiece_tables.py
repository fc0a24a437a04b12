#!/usr/bin/env python3
"""Writes Sources/Tokenizers/WordPiece/BertCharacterTable.swift: what BertNormalizer and BertPreTokenizer do with characters.

    make_wordpiece_tables.py > Sources/Tokenizers/WordPiece/BertCharacterTable.swift

Hugging Face's `tokenizers` is asked character by character: control characters, marks and punctuation follow an older
version of Unicode there than lower case does.
"""
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from tables import show

points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def only(option):
    """What the normalizer does with one option."""
    options = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return BertNormalizer(**{**options, option: True}).normalize_str


clean, chinese, strip, lower = map(only, ["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"])
decompose, pieces = NFD().normalize_str, BertPreTokenizer().pre_tokenize_str


def bits(point):
    character = chr(point)
    between = len(pieces("a" + character + "a"))
    values = [
        clean(character) == "", between == 2, chinese(character) != character,
        decompose(character) == character and strip(character) == "", between == 3,
    ]
    return sum(value << position for position, value in enumerate(values))


def changes():
    before = 0
    for point in points:
        value = bits(point)
        if value != before:
            yield point << 5 | value
        before = value


def lower_runs():
    """Characters in steps of 1 or 2 whose lower case is equally far from them."""
    runs = []
    for point in points:
        result = lower(chr(point))
        if result == chr(point) or point == 0x130:  # the only one with two characters
            continue
        assert len(result) == 1, hex(point)
        distance = ord(result) - point
        if runs and runs[-1][3] == distance and point - runs[-1][1] in (1, 2) and runs[-1][2] in (0, point - runs[-1][1]):
            runs[-1][2] = point - runs[-1][1]
            runs[-1][1] = point
        else:
            runs.append([point, point, 0, distance])
    return [value for first, last, step, distance in runs for value in (first, last, max(step, 1), distance)]


assert lower("\u0130") == "i\u0307"
print("// Made by Tests/References/make_wordpiece_tables.py; do not edit.\n")
print("/// The code points at which the properties change: the code point times 32, plus the new properties as bits: 1 removed,")
print("/// 2 white space, 4 a Chinese character, 8 a nonspacing mark, 16 punctuation.")
show("bertCharacterChanges", "UInt32", list(changes()))
print("\n/// Characters with a lower case, four numbers each: the first and the last of a run, the step between them, and how far the")
print("/// lower case is from each.")
show("lowerCaseRuns", "Int32", lower_runs())
