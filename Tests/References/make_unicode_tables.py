#!/usr/bin/env python3
"""Writes Sources/Tokenizers/UnicodeClassTable.swift from ranges of code points.

    make_unicode_tables.py unicode-classes.json > Sources/Tokenizers/UnicodeClassTable.swift

The input holds an object "classes" with inclusive ranges for L, N, White_Space, Lu, Ll, Lt, Lm, Lo and M, as the regular
expressions of tiktoken and of Hugging Face's tokenizers see them (Unicode 16.0).
"""
import json
import sys

from tables import show

CLASSES = ["upper", "lower", "other letter", "mark", "number", "white space", "line break", "other"]


def main():
    ranges = json.load(open(sys.argv[1]))["classes"]
    of = [7] * 0x110000

    def mark(name, value):
        for first, last in ranges[name]:
            for point in range(first, last + 1):
                assert of[point] == 7, (name, hex(point))
                of[point] = value

    for name, value in [("Lu", 0), ("Lt", 0), ("Ll", 1), ("Lm", 2), ("Lo", 2), ("M", 3), ("N", 4), ("White_Space", 5)]:
        mark(name, value)
    letters = {point for first, last in ranges["L"] for point in range(first, last + 1)}
    assert letters == {point for point in range(0x110000) if of[point] < 3}
    of[0x0A] = of[0x0D] = 6

    changes = [point << 3 | of[point] for point in range(0x110000) if point == 0 or of[point] != of[point - 1]]
    print("// Made by Tests/References/make_unicode_tables.py; do not edit.\n")
    print("/// The code points at which the class changes (Unicode 16.0): the code point times 8, plus the new class's number.")
    print("/// The classes are " + ", ".join(f"{i} {name}" for i, name in enumerate(CLASSES)) + ".")
    show("unicodeClassChanges", "UInt32", changes)


main()
