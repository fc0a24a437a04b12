"""How fast do we encode and learn, beside tiktoken and Hugging Face's tokenizers?

    python compare_tokenizers.py TEXT --vocabularies DIRECTORY [--gpt PATH] [--rounds N] [--encodings gpt2,cl100k_base]

All on one thread, turn about in one run: in each round ours, then tiktoken, then Hugging Face's trainer. The figures are the
best of all rounds, in seconds of processor time. Cold is the first text of a new encoder, warm the same text again. The ids
must be the same. DIRECTORY has the files that the vocabularies were published in (cl100k_base.tiktoken, gpt2.vocab.bpe
and so on). Exit status 0 only if all ids agree.
"""

import argparse
import json
import os
import subprocess
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tiktoken
import tiktoken.load
import tiktoken_ext.openai_public as public
import tokenizers


def seconds(body):
    begin = time.process_time()
    result = body()
    return time.process_time() - begin, result


def load_tiktoken(name, folder):
    """The encoding from files in a folder, where tiktoken itself would fetch them."""

    def local(url):
        file = url.rsplit("/", 1)[-1]
        return os.path.join(folder, file if file.endswith(".tiktoken") else "gpt2." + file)

    ranks, gym = tiktoken.load.load_tiktoken_bpe, tiktoken.load.data_gym_to_mergeable_bpe_ranks
    public.load_tiktoken_bpe = lambda url, expected_hash=None: ranks(local(url), expected_hash)
    public.data_gym_to_mergeable_bpe_ranks = lambda vocab_bpe_file, encoder_json_file, **hashes: gym(
        local(vocab_bpe_file), local(encoder_json_file), **hashes
    )
    return tiktoken.Encoding(**getattr(public, name)())


def train_hugging_face(text, size):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([text], trainer)


def best(table, key, value):
    table[key] = min(table.get(key, value), value)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("--vocabularies", required=True)
    parser.add_argument("--gpt", default=".build/release/gpt")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--encodings", default="gpt2,r50k_base,cl100k_base,o200k_base")
    parser.add_argument("--size", type=int, default=4096, help="of the vocabulary that is learnt")
    options = parser.parse_args()

    os.environ["TIKTOKEN_CACHE_DIR"] = ""
    with open(options.text, encoding="utf-8", newline="") as file:
        text = file.read()
    megabytes = len(text.encode()) / 1e6
    ours, theirs, agree = {}, {}, True
    # Where the command looks for vocabularies: a folder of that name in the one that GPT_DATA names.
    folder = os.path.abspath(options.vocabularies)
    environment = dict(os.environ)
    if os.path.basename(folder) == "tokenizers":
        environment["GPT_DATA"] = os.path.dirname(folder)

    for round in range(options.rounds):
        for name in options.encodings.split(","):
            command = [options.gpt, "tokenizer", "bench", "--tokenizer", name, "--text", options.text, "--rounds", "1"]
            command += ["--vocabulary", str(options.size if round == 0 or name == "gpt2" else 0), "--json"]
            result = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout.splitlines()[-1])
            best(ours, (name, "load"), result["load_seconds"])
            best(ours, (name, "cold"), megabytes / result["cold_mb_per_cpu_second"])
            best(ours, (name, "warm"), megabytes / result["warm_mb_per_cpu_second"])
            if result["training_cpu_seconds"] is not None:
                best(ours, ("learn", options.size), result["training_cpu_seconds"])

            load, encoding = seconds(lambda: load_tiktoken(name, folder))
            cold, ids = seconds(lambda: encoding.encode_ordinary(text))
            warm, _ = seconds(lambda: encoding.encode_ordinary(text))
            for key, value in [("load", load), ("cold", cold), ("warm", warm)]:
                best(theirs, (name, key), value)
            if round == 0:
                command = [options.gpt, "tokenizer", "encode", options.text, "--tokenizer", name, "--special", "text"]
                own = subprocess.run(command, env=environment, check=True, capture_output=True).stdout.split()
                if [int(id) for id in own] != ids:
                    agree = False
                    print(f"{name}: the ids differ", file=sys.stderr)
        best(theirs, ("learn", options.size), seconds(lambda: train_hugging_face(text, options.size))[0])

    print(f"{megabytes:.1f} MB, best of {options.rounds} rounds, processor time of one thread")
    print(f"{'':14}{'load, ms':>18}{'cold, MB/s':>18}{'warm, MB/s':>18}")
    print(f"{'':14}{'ours  tiktoken':>18}{'ours  tiktoken':>18}{'ours  tiktoken':>18}")
    for name in options.encodings.split(","):
        row = f"{name:14}"
        for key in ["load", "cold", "warm"]:
            mine, other = ours[name, key], theirs[name, key]
            pair = (mine * 1e3, other * 1e3) if key == "load" else (megabytes / mine, megabytes / other)
            row += f"{pair[0]:8.1f}{pair[1]:10.1f}"
        print(row)
    key = ("learn", options.size)
    print(f"learning {options.size}: {ours[key]:.3f} s, Hugging Face's tokenizers {theirs[key]:.3f} s")
    print("the ids are the same" if agree else "the ids differ")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
