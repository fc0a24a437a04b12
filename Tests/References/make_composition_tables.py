#!/usr/bin/env python3
"""Writes Sources/Tokenizers/CompositionTable.swift: what the form NFC of Unicode needs to know.

    make_composition_tables.py > Sources/Tokenizers/CompositionTable.swift

The mappings and combining classes are those that Hugging Face's `tokenizers` has, asked of it character by character:
it normalizes as an older version of Unicode did, whatever version the rest of it follows.
"""
import unicodedata

from tokenizers.normalizers import NFC, NFD

from tables import show

nfc, nfd = NFC().normalize_str, NFD().normalize_str
points = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000]


def combining_class(point):
    """Python's, if tokenizers moves the character past one of another class."""
    known = unicodedata.combining(chr(point))
    for other in "\u0334\u0316\u0301" if known else "":
        low, high = (chr(point), other) if known < unicodedata.combining(other) else (other, chr(point))
        if known != unicodedata.combining(other) and nfd("x" + high + low) == "x" + low + high:
            return known
    return 0


def rows():
    for point in points:
        mapping = unicodedata.decomposition(chr(point))
        if 0xAC00 <= point < 0xD7A4 or not mapping or mapping.startswith("<") or nfd(chr(point)) == chr(point):
            continue
        parts = [int(part, 16) for part in mapping.split()]
        composes = len(parts) == 2 and nfc("".join(map(chr, parts))) == chr(point)
        yield point, parts[0], parts[1] if len(parts) == 2 else 0, composes


print("// Made by Tests/References/make_composition_tables.py; do not edit.\n")
print("/// Canonical decompositions but for those of Hangul, three numbers each: the character, times 2, plus 1 if its parts")
print("/// compose to it; the first part; and the second, or 0.")
show("canonicalDecompositions", "UInt32",
     [value for point, first, second, composes in rows() for value in (point * 2 + composes, first, second)])
classes = [(point, combining_class(point)) for point in points]
runs = []
for point, value in classes:
    if value and runs and runs[-1][1] == point - 1 and runs[-1][2] == value:
        runs[-1][1] = point
    elif value:
        runs.append([point, point, value])
print("\n/// Combining classes other than 0, three numbers each: the first and last character and their class.")
show("combiningClasses", "UInt32", [value for run in runs for value in run])
