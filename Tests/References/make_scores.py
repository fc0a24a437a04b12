#!/usr/bin/env python3
"""What sacrebleu and scikit-learn say of made-up texts: the golden files of the tests of scores.

    make_scores.py DIRECTORY [--pairs N] [--reviews FILE.tsv]

writes DIRECTORY/translation.json (N pairs, 50 by default) and DIRECTORY/classification.json, whose texts are made up as well, or
those of a table with the columns `label` and `text`. Needs sacrebleu 2.6, scikit-learn and numpy.

The tests read the files in Tests/Fixtures/scores. For a larger comparison write larger ones there, run the tests of `Scores of
translations` and `Baselines of classifiers`, and restore them.
"""

import argparse
import json
import random
from pathlib import Path

import numpy
from sacrebleu.metrics import BLEU, CHRF
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.naive_bayes import MultinomialNB

WORDS = (
    "the a of river stone light harbour, seventeen bell tower. goes went gone slowly 'tis don't o'clock well-known 3-4 "
    "1,234.56 .5 5. 12-year 7,8 U.S. e.g. ... -- - &quot;bell&quot; &amp; &lt;b&gt; &amp;quot; R&D <skipped> x<skipped>y (one) "
    "[two] {three} "
    "a/b 50% $3.20 #7 @home ~9 C:\\dir a_b `c` ^d | = + * ; : ! ? \"quoted\" 'single' «guillemets» “curly” ‘so’ — – … "
    "größer naïve cafe\u0301 café Москва, Москве. 東京、 に行く。 你好,世界 مرحبا بالعالم، नमस्ते दुनिया। 한국어 ١٢٣.٤ ½ x² \U0001f600 \U0001f469\u200d\U0001f4bb "
    "A.B,C 1.a a.1 1,a ,. ., ,1 2, 3.14.15"
).split(" ")
SPACES = [" "] * 12 + ["  ", "\t", "\u00a0", "\u3000", "\n", "-\n", "\u001f", "\u2028"]


def sentence(random, longest):
    text = ""
    for _ in range(random.randint(0, longest)):
        text += random.choice(WORDS) + random.choice(SPACES)
    return text if random.random() < 0.3 else text.strip()


def altered(random, text):
    """A hypothesis for a reference: equal, with some words changed, another text, or nothing."""
    kind = random.random()
    if kind < 0.1:
        return text
    if kind < 0.2:
        return sentence(random, 12)
    if kind < 0.25:
        return ""
    words = text.split(" ")
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(words))
        action = random.random()
        if action < 0.4:
            words[place] = random.choice(WORDS)
        elif action < 0.6 and len(words) > 1:
            del words[place]
        elif action < 0.8:
            words.insert(place, random.choice(words))
        else:
            random.shuffle(words)
    return " ".join(words)


def score(hypotheses, references):
    bleu, chrf = BLEU(), CHRF()
    result = bleu.corpus_score(hypotheses, [references])
    return {
        "bleu": result.score,
        "matches": list(result.counts),
        "totals": list(result.totals),
        "lengths": [result.sys_len, result.ref_len],
        "chrf": chrf.corpus_score(hypotheses, [references]).score,
        "signatures": [str(bleu.get_signature()), str(chrf.get_signature())],
    }


def translation(count):
    generator = random.Random(20260)
    references = [sentence(generator, 12) for _ in range(count)]
    hypotheses = [altered(generator, reference) for reference in references]
    pairs = []
    for hypothesis, reference in zip(hypotheses, references):
        own = score([hypothesis], [reference])
        pairs.append({"hypothesis": hypothesis, "reference": reference, "bleu": own["bleu"], "chrf": own["chrf"]})
    # No 4-gram, and then no n-gram at all, of the hypotheses is in the references.
    few = [["one two three x five six", "one two three four five six"], ["a b", "a b c"], ["x", "y"], ["", "y"], ["x", ""]]
    return {
        "total": score(hypotheses, references),
        "pairs": pairs,
        "few": [{"hypothesis": h, "reference": r, **score([h], [r])} for h, r in few],
    }


def made_up_reviews(generator):
    vocabulary = {
        "good": ["bright", "warm", "Lovely", "wonderfully_made", "a", "joy", "I", "não", "Größe", "東京", "x2", "ΟΔΟΣ", "ΟΔΟΣ_"],
        "bad": ["dull", "cold", "Tedious", "don't", "a", "bore", "não", "नमस्ते", "x2", "x²"],
        "neither": ["table", "Chair", "wooden", "a", "x2", "GRÖSSE", "οδος", "οδοσ"],
    }
    rows = []
    for label in generator.choices(list(vocabulary), weights=[5, 4, 2], k=60):
        # Some texts are of another kind than their label says, so that not all can be right.
        words = vocabulary[generator.choice([label, label, "good", "bad"])]
        words = words + ["the", "film", "was", "not", "very", "-", "!", "2026"]
        rows.append((" ".join(generator.choices(words, k=generator.randint(2, 10))), label))
    return rows


def classification(rows):
    boundary = len(rows) * 4 // 5
    training, test = rows[:boundary], rows[boundary:]
    vectorizer = CountVectorizer(ngram_range=(1, 2))
    model = MultinomialNB().fit(vectorizer.fit_transform([text for text, _ in training]), [label for _, label in training])
    counts = vectorizer.transform([text for text, _ in test])
    predicted, actual = list(model.predict(counts)), [label for _, label in test]
    return {
        "training": [{"text": text, "label": label} for text, label in training],
        "test": [
            {"text": text, "label": label, "predicted": str(guess), "log_probabilities": list(map(float, row))}
            for (text, label), guess, row in zip(test, predicted, model.predict_log_proba(counts))
        ],
        "labels": list(map(str, model.classes_)),
        "accuracy": float(accuracy_score(actual, predicted)),
        "macro_f1": float(f1_score(actual, predicted, average="macro")),
        "confusion": numpy.asarray(confusion_matrix(actual, predicted, labels=model.classes_)).tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--reviews", type=Path)
    options = parser.parse_args()
    generator = random.Random(20261)
    if options.reviews:
        lines = options.reviews.read_text(encoding="utf-8").splitlines()[1:]
        rows = [(text, label) for label, text in (line.split("\t") for line in lines)]
        generator.shuffle(rows)
    else:
        rows = made_up_reviews(generator)
    options.directory.mkdir(parents=True, exist_ok=True)
    for name, content in [("translation", translation(options.pairs)), ("classification", classification(rows))]:
        path = options.directory / f"{name}.json"
        path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(path, f"{path.stat().st_size:,} bytes")
    print("classification: accuracy", content["accuracy"], "macro F1", content["macro_f1"])


if __name__ == "__main__":
    main()
