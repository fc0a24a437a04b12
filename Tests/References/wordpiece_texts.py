"""Texts that break WordPiece tokenizers, for check_wordpiece.py and make_wordpiece_golden.py."""
import unicodedata

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[MASK", "[cls]", "##", "##ing", "[unused1]"]
AWKWARD = [
    "", " ", "\n", "a", "A.B", "don't stop, can't 's 've 're n't !", "\u0130stanbul ISPARTA \u0131\u015f\u0131k", "Stra\u00dfe STRASSE \u1e9e",
    "\u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3 \u03c3\u03c2", "e\u0301 E\u0301 \u00e9 \u00c9 e\u0316\u0301 e\u0301\u0316", "\u1100\u1161\u11a8 \uac01 \ud55c\uad6d\uc5b4", "\u65e5\u672c\u8a9e\u304b\u306a\u30ab\u30ca", "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\uf900\ufa0e\U0002f800",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1eb\U0001f1f7", "a\u0000b a\u0007b a\u007fb a\u0085b a\u00adb a\u200bb a\u200db a\ufeffb a\ufffdb",
    "a\tb\nc\rd\u000be\u000cf\u001cg\u00a0h\u1680i\u2003j\u2028k\u3000l", "x" * 100, "x" * 101, "Y" * 99 + "\u00e9", "\u00e9" * 101, "\u212a\u212b\u2126 \u037e \u1fef \u2260",
    "\u0e01\u0e33\u0e48 \u0e33 \u0928\u093f\u0932\u094d\u092a \u0639\u064e\u0631\u0628\u064a \u05e9\u05c1", "\U00010400\U00010428 \u1e9e \u01c5\u01c4\u01c6 \ufb01 \u216b", "a\u302eb\u302f \U0001d15e\U0001d165 \u0f71\u0f72\u0f74", "[CLS] a [SEP] b[MASK]c[PAD]", "##a a##b #hash",
    "\u2e43 \u2e52 \U00011660 \u061d \u166d \U000111c9 \u00a7 \u00ac \u20ac $ ^ ` | ~ + < = >", "\u0301 \u0301a \u200d \u0341\u0344 \u0340", "\U0001e900\U0001e943 \u1c89 \ua7cb \U00016ea0 \u10a0\u2d00 \u13a0\uab70",
]
RANGES = [
    (0x20, 0x7F), (0x20, 0x7F), (0x00, 0x20), (0x7F, 0x100), (0x100, 0x250), (0x300, 0x370), (0x370, 0x530), (0x530, 0x700),
    (0x900, 0xE00), (0xE00, 0x1000), (0x1100, 0x1200), (0x1AB0, 0x2000), (0x2000, 0x2100), (0x2100, 0x2C00), (0x2E00, 0x2E60), (0x3000, 0x3100),
    (0x4E00, 0x9FFF), (0xA640, 0xABF0), (0xAC00, 0xD7A4), (0xF900, 0xFB00), (0xFE00, 0x10000), (0x10000, 0x12000), (0x16E00, 0x17000),
    (0x1D100, 0x1D800), (0x1E000, 0x1F000), (0x1F300, 0x1FAFF), (0x20000, 0x30000), (0xE0000, 0xE0200), (0, 0x110000),
]


def character(generator):
    low, high = generator.choice(RANGES)
    point = generator.randrange(low, high)
    return "\ufffd" if 0xD800 <= point < 0xE000 else chr(point)


def random_text(generator, words):
    """A mix of words, scripts, spelled special tokens, punctuation, controls and marks."""
    parts = []
    for _ in range(generator.randrange(1, 25)):
        kind = generator.randrange(12)
        if kind < 4:
            word = generator.choice(words)
            parts.append(generator.choice([word, word.upper(), word.title(), word + generator.choice(words)]))
        elif kind == 4:
            parts.append("".join(character(generator) for _ in range(generator.randrange(1, 12))))
        elif kind == 5:
            low, high = generator.choice(RANGES[3:])
            points = (generator.randrange(low, high) for _ in range(generator.randrange(1, 20)))
            parts.append("".join("?" if 0xD800 <= point < 0xE000 else chr(point) for point in points))
        elif kind == 6:
            parts.append(generator.choice(SPECIAL))
        elif kind == 7:
            parts.append(generator.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") * generator.randrange(1, 4))
        elif kind == 8:
            word = generator.choice(words)
            marks = "".join(chr(generator.randrange(0x300, 0x370)) for _ in range(generator.randrange(1, 4)))
            parts.append(unicodedata.normalize(generator.choice(["NFC", "NFD"]), word[:2] + marks + word[2:]))
        elif kind == 9:
            parts.append(generator.choice(words) * generator.randrange(1, 30))
        elif kind == 10:
            parts.append(str(generator.randrange(10 ** generator.randrange(1, 12))))
        else:
            parts.append(generator.choice(AWKWARD))
    return generator.choice(["", " ", " ", " ", "  ", "\n"]).join(parts)
