"""Are models as others publish them read, and written, as their own programs do?

    python check_published.py --gpt .build/release/gpt [--seed N] [--only TEXT] [--models N] [--work DIRECTORY]

For each family `published.py` makes models whose directories have the traits of published ones in a mix that the seed decides.
Each is then compared with transformers: its ids of texts, its logits, its texts at temperature 0 and where they end. The same
is asked of what `gpt export` and `gpt import` make of it, together with what the small files say: in transformers, gguf,
llama.cpp, onnxruntime and torch.jit, as far as they are installed. One line for each check; exit status 0 only if all are right.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings

import numpy
import torch
import transformers
from safetensors.numpy import load_file

import published

TOLERANCE = 3e-5
# llama.cpp takes GELU from a table of half-precision numbers.
TABLE_TOLERANCE = 1e-2
LENGTH = 60
PROMPTS = ["the kettle", "<|start|>rain falls on the old tin roof and", "1 23 it's café e\u0301 <think>"]
MESSAGES = [{"role": "user", "content": "why? <|turn|>"}, {"role": "assistant", "content": "rain"}]
# What depends on the program that wrote a directory, or on the precision that was asked for.
UNCOMPARED = ["_name_or_path", "transformers_version", "dtype", "torch_dtype", "_from_model_config"]


class Skipped(Exception):
    """Why something cannot be compared."""


def require_equal(what, expected, got):
    if expected != got:
        raise AssertionError(f"{what}: {short(got)} where {short(expected)} is right")


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def strings(number):
    """Texts that break tokenizers, some of which spell special tokens."""
    generator = random.Random(3)
    texts = [
        " ", "  ", "\n", "a ", " a", "don't I'LL", "\r\n\r", "e\u0301\u00e9", "1234567 89", "   x   y  \n\n z ", "\u00a0\u2003x",
        "<|finish|>", "a<|finish|> b", "<|begin|>the", "<|start|>user\nhi<|turn|>\n", "<think> so </think>", "x <mask> y", "the old tin roof",
        "<|finish|", "\U0001f468\u200d\U0001f469", "the<|pad|><|pad|>",
    ]
    while len(texts) < number:
        if generator.random() < 0.5:
            texts.append(" ".join(generator.choice(published.WORDS) for _ in range(generator.randint(1, 9))))
        else:
            pool = [chr(c) for c in range(0x20, 0x250)] + list("\n\t€中😀 ")
            texts.append("".join(generator.choice(pool) for _ in range(generator.randint(1, 30))))
    return texts


class Transformers:
    """A directory in transformers."""

    def __init__(self, directory):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model, report = transformers.AutoModelForCausalLM.from_pretrained(
            directory, output_loading_info=True, dtype=torch.float32)
        self.model.eval()
        missing = [name for name in report["missing_keys"]]
        if missing or report["mismatched_keys"]:
            raise AssertionError(f"transformers misses {sorted(missing)[:3]}, {report['mismatched_keys']}")

    def logits(self, ids):
        with torch.no_grad():
            return self.model(torch.tensor(ids)).logits.numpy()

    def encode(self, text):
        return self.tokenizer(text)["input_ids"]

    @property
    def ends(self):
        ends = self.model.generation_config.eos_token_id
        return ends if isinstance(ends, list) else [] if ends is None else [ends]

    def generate(self, ids, stops=None):
        """The ids that follow, the end included. Rows without a token are never generated."""
        unused = list(range(len(self.tokenizer), self.model.config.vocab_size))
        made = self.model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False, max_new_tokens=LENGTH,
            pad_token_id=0, suppress_tokens=unused or None, **({} if stops is None else {"eos_token_id": stops or [-1]}))
        return made[0].tolist()[len(ids):]

    def description(self):
        """What the small files say."""
        tokenizer, model = self.tokenizer, self.model
        said = {"len": len(tokenizer), "chat_template": tokenizer.chat_template, "class": type(tokenizer).__name__,
                "special": sorted(tokenizer.all_special_tokens), "max_length": tokenizer.model_max_length,
                "added": {id: (str(t), t.special, t.lstrip, t.rstrip, t.normalized) for id, t in tokenizer.added_tokens_decoder.items()}}
        for role in ["bos", "eos", "pad", "unk"]:
            said[role] = (getattr(tokenizer, f"{role}_token"), getattr(tokenizer, f"{role}_token_id"))
        for name, object in [("config", model.config), ("generation_config", model.generation_config)]:
            said.update({f"{name}.{key}": value for key, value in object.to_dict().items() if key not in UNCOMPARED})
        for key in ["config.rope_parameters", "config.rope_scaling"]:
            if said.get(key):  # `type` is the former name of `rope_type`
                said[key] = {name: value for name, value in said[key].items() if name != "type"}
        if tokenizer.chat_template:
            said["chat"] = tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
        return said


class Case:
    """A published model, and what transformers makes of it."""

    def __init__(self, gpt, directory, family, traits, stops):
        self.gpt, self.directory, self.family, self.traits, self.stops = gpt, directory, family, traits, stops
        self.theirs = Transformers(directory)
        self.rows = self.theirs.model.config.vocab_size
        self.context = published.CONTEXT
        generator = random.Random(7)
        self.ids = [[generator.randrange(self.rows) for _ in range(40)] for _ in range(2)]
        self.prompts = [self.theirs.encode(prompt) for prompt in PROMPTS]
        self.continuations = [self.theirs.generate(ids, stops) for ids in self.prompts]
        self.unaided = [self.theirs.generate(ids) for ids in self.prompts]
        self.logits = self.theirs.logits(self.ids)

    @property
    def chat_template(self):
        """The template of conversations, where there is room for one."""
        template = self.theirs.tokenizer.chat_template
        return template["default"] if isinstance(template, dict) else template

    def run(self, *arguments, **options):
        done = subprocess.run([self.gpt, *arguments], capture_output=True, **options)
        if b"llama.cpp does not support" in done.stderr:
            raise Skipped(done.stderr.decode().strip())
        if done.returncode != 0:
            raise RuntimeError(f"gpt {arguments[0]}: {done.stderr.decode(errors='replace').strip()[-400:]}")
        return done.stdout

    def export(self, format, name, *options):
        path = self.directory + "-" + name
        shutil.rmtree(path, ignore_errors=True)
        self.run("export", self.directory, "--to", format, path, *options)
        return path

    def text(self, ids):
        """What is shown of ids, of which the last may be an end."""
        return self.theirs.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def our_logits(self, model):
        ids, out = self.directory + "-ids.json", self.directory + "-logits.safetensors"
        with open(ids, "w", encoding="utf-8") as file:
            json.dump({"input_ids": self.ids}, file)
        self.run("logits", model, "--ids", ids, "--out", out)
        return load_file(out)["logits"]

    def require_logits(self, logits, tolerance=TOLERANCE):
        difference = float(numpy.abs(logits[:, :, : self.rows] - self.logits).max())
        if not difference <= tolerance:
            raise AssertionError(f"the logits differ by {difference:.1e}")
        return f"logits {difference:.1e}"

    def require_texts(self, model):
        for prompt, before, after in zip(PROMPTS, self.prompts, self.continuations):
            got = self.run(
                "generate", model, "--temperature", "0", "--length", str(LENGTH), "--prompt", prompt.replace("\\", "\\\\"),
                "--special", "allow")
            shown = after[:-1] if after[-1] in self.stops else after
            require_equal(f"prompt {prompt!r}", self.text(before + shown), got.decode(errors="replace").removesuffix("\n"))
        return f"{len(PROMPTS)} texts"

    def require_same(self, directory):
        """Whether another directory is the same model in transformers."""
        other = Transformers(directory)
        expected, got = self.theirs.description(), other.description()
        if expected.get("config.rope_parameters") is None:  # former versions do not know it
            got.pop("config.rope_parameters", None)
            expected.pop("config.rope_parameters", None)
        if self.traits["head"] == "tied, another in the file":
            for said in [expected, got]:
                said.pop("config.tie_word_embeddings")
        differences = [
            f"{key}: {short(got.get(key))} where {short(expected.get(key))} is right"
            for key in sorted(set(expected) | set(got)) if expected.get(key) != got.get(key)]
        for text in strings(50):
            ids, others = self.theirs.encode(text), other.encode(text)
            if ids != others:
                differences.append(f"ids of {text!r}: {short(others)} where {short(ids)} is right")
                break
            for skipping in [False, True]:
                decoded = [x.tokenizer.decode(ids, skip_special_tokens=skipping) for x in [self.theirs, other]]
                if decoded[0] != decoded[1]:
                    differences.append(f"decoding of {text!r}: {decoded[1]!r} where {decoded[0]!r} is right")
        for prompt, ids in zip(self.prompts, self.unaided):
            others = other.generate(prompt)
            if ids != others:
                differences.append(f"transformers goes on with {short(others)} where {short(ids)} is right")
                break
        if differences:
            raise AssertionError(" | ".join(differences))
        return self.require_logits(other.logits(self.ids))


# The checks: each takes a case and answers with what was seen, or throws what is wrong.


def logits(case):
    return case.require_logits(case.our_logits(case.directory))


def ids(case):
    wrong, texts = [], strings(50)
    for text in texts:
        got = json.loads(case.run(
            "tokenizer", "encode", "-", "--tokenizer", case.directory, "--special", "allow", "--template", "--json",
            input=text.encode("utf-8")))
        if got != case.theirs.encode(text):
            wrong.append(f"{text!r} is {short(got)} where {short(case.theirs.encode(text))} is right")
    if wrong:
        raise AssertionError(f"{len(wrong)} of {len(texts)}, such as {wrong[0]}")
    return f"{len(texts)} texts"


def generate(case):
    lengths = [f"{len(ids)}" + ("" if ids[-1] in case.stops else "+") for ids in case.continuations]
    if sorted(case.theirs.ends) != sorted(case.stops):
        print(f"note transformers itself ends at {case.theirs.ends}, the files say {case.stops}: {case.traits['eos']}")
    return case.require_texts(case.directory) + f" of {', '.join(lengths)} tokens"


def hf(case):
    path = case.export("hf", "hf")
    seen = case.require_same(path) + ", " + case.require_texts(path)
    if case.traits["dtype"] != "float32":
        short = case.export("hf", "hf-short", "--precision", "bf16" if case.traits["dtype"] == "bfloat16" else "f16")
        require_equal("dtype", case.traits["dtype"], str(transformers.AutoConfig.from_pretrained(short).dtype).removeprefix("torch."))
        case.require_logits(Transformers(short).logits(case.ids))
        seen += ", as short"
    return seen


def imported(case):
    path = case.directory + "-import"
    shutil.rmtree(path, ignore_errors=True)
    case.run("import", case.directory, path)
    return case.require_same(path) + ", " + case.require_texts(path)


def gguf(case):
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise Skipped(f"{error}")
    path = case.export("gguf", "model.gguf")
    reader = GGUFReader(path)
    field = lambda key: reader.fields[key].contents() if key in reader.fields else None
    rows = next(int(tensor.shape[1]) for tensor in reader.tensors if tensor.name == "token_embd.weight")
    if case.stops or rows != case.rows + 1:  # a token that ends texts is added where there is none
        require_equal("rows", case.rows, rows)
    require_equal("tokens", rows, len(field("tokenizer.ggml.tokens")))
    tokenizer = case.theirs.tokenizer
    require_equal("bos", tokenizer.bos_token_id, field("tokenizer.ggml.bos_token_id"))
    if case.stops:
        require_equal("eos", case.stops[0], field("tokenizer.ggml.eos_token_id"))
    require_equal("eot", case.stops[1] if len(case.stops) > 1 else None, field("tokenizer.ggml.eot_token_id"))
    require_equal("pad", tokenizer.pad_token_id, field("tokenizer.ggml.padding_token_id"))
    require_equal("add_bos_token", case.theirs.encode("a")[0] == tokenizer.bos_token_id, field("tokenizer.ggml.add_bos_token"))
    require_equal("chat template", case.chat_template, field("tokenizer.chat_template"))
    seen = case.require_logits(case.our_logits(path))
    # A text that is not in NFC becomes other ids there.
    return seen + ("" if case.traits["nfc"] else ", " + case.require_texts(path))


def from_gguf(case):
    """What `gpt import` makes of the file that `gpt export` wrote."""
    path, source = case.directory + "-from-gguf", case.export("gguf", "model.gguf")
    shutil.rmtree(path, ignore_errors=True)
    case.run("import", source, path)
    other, differences = Transformers(path), []

    def compare(what, expected, got):
        if expected != got:
            differences.append(f"{what}: {short(got)} where {short(expected)} is right")

    if case.stops:
        compare("ends", sorted(case.stops), sorted(other.ends))
        compare("eos", True, other.tokenizer.eos_token_id in case.stops)
    compare("chat template", case.chat_template, other.tokenizer.chat_template)
    for role in ["bos", "pad"]:
        compare(role, *(getattr(x.tokenizer, f"{role}_token_id") for x in [case.theirs, other]))
    for prompt, ids, after in zip(PROMPTS, case.prompts, case.continuations):
        if not case.traits["nfc"]:
            compare(f"ids of {prompt!r}", ids, other.encode(prompt))
        compare(f"after {prompt!r}", after, other.generate(ids))
    if differences:
        raise AssertionError(" | ".join(differences))
    return case.require_logits(other.logits(case.ids))


def llama_cpp(case):
    try:
        import llama_cpp
    except (ImportError, RuntimeError, OSError) as error:
        raise Skipped(f"{error}")
    model = llama_cpp.Llama(
        case.export("gguf", "model.gguf"), n_ctx=case.context, logits_all=True, verbose=False, type_k=0, type_v=0, flash_attn=False,
        n_threads=2, n_threads_batch=2)
    vocabulary = llama_cpp.llama_model_get_vocab(model.model)
    for prompt, ids, after in zip(PROMPTS, case.prompts, case.continuations):
        if not case.traits["nfc"]:
            template = llama_cpp.llama_vocab_get_add_bos(vocabulary)
            require_equal(f"ids of {prompt!r}", ids, model.tokenize(prompt.encode("utf-8"), add_bos=template, special=True))
        ids, made = list(ids), []
        while len(made) < LENGTH:
            model.reset()
            model.eval(ids + made)
            made.append(int(numpy.array(model.scores[len(ids + made) - 1]).argmax()))
            if llama_cpp.llama_vocab_is_eog(vocabulary, made[-1]):
                break
        require_equal(f"after {prompt!r}", after, made)
    return f"{len(PROMPTS)} texts"


def onnx(case):
    try:
        import onnxruntime
    except ImportError as error:
        raise Skipped(f"{error}")
    session = onnxruntime.InferenceSession(case.export("onnx", "model.onnx"), providers=["CPUExecutionProvider"])
    return case.require_logits(session.run(["logits"], {"input_ids": numpy.array(case.ids, dtype=numpy.int64)})[0])


def torchscript(case):
    model = torch.jit.load(case.export("torchscript", "model.pt"))
    with torch.no_grad():
        seen = case.require_logits(model(torch.tensor(case.ids)).numpy())
        for prompt, after in zip(case.prompts, case.continuations):
            require_equal("ids", prompt + after, model.generate_ids(prompt, LENGTH))
        if not case.traits["nfc"] and "generate" in dir(model):
            for prompt, before, after in list(zip(PROMPTS, case.prompts, case.continuations))[:2]:
                require_equal(f"after {prompt!r}", case.text(before + after), model.generate(prompt, LENGTH))
    return seen + f", {len(case.prompts)} texts"


CHECKS = [logits, ids, generate, hf, imported, gguf, from_gguf, llama_cpp, onnx, torchscript]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpt", required=True, help="the command")
    parser.add_argument("--seed", type=int, default=1, help="which mix of traits, and which weights")
    parser.add_argument("--models", type=int, default=6, help="how many models of each family")
    parser.add_argument("--only", default="", help="only checks whose names hold this, such as 'llama-2 hf'")
    parser.add_argument("--work", help="where models are made; kept (default: a folder that goes away)")
    arguments = parser.parse_args()
    arguments.gpt = os.path.abspath(arguments.gpt)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # threads do not help models this small

    right = wrong = ended = texts = 0
    skipped = set()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or temporary
        for family in ["gpt2", "llama", "qwen3"]:
            for index, traits in enumerate(published.traits(family, arguments.models, arguments.seed)):
                names = {f"{family}-{index} {check.__name__}": check for check in CHECKS}
                names = {name: check for name, check in names.items() if arguments.only in name}
                if not names:
                    continue
                print(f"     {family}-{index}: " + ", ".join(f"{trait} {choice}" for trait, choice in traits.items()))
                directory = os.path.join(work, f"{family}-{index}")
                shutil.rmtree(directory, ignore_errors=True)
                try:
                    stops = published.make(family, traits, directory, arguments.seed + index)
                    case = Case(arguments.gpt, directory, family, traits, stops)
                except Exception as problem:  # what others' programs throw is of any type
                    wrong += 1
                    print(f"FAIL {family}-{index}: transformers does not read it: {type(problem).__name__}: {problem}")
                    continue
                texts += len(PROMPTS)
                ended += sum(ids[-1] in stops for ids in case.continuations)
                for name, check in names.items():
                    try:
                        seen = check(case)
                    except Skipped as reason:
                        if check not in skipped:
                            print(f"skipped {check.__name__}: {reason}", file=sys.stderr)
                        skipped.add(check)
                    except Exception as problem:
                        wrong += 1
                        kind = "" if isinstance(problem, (AssertionError, RuntimeError)) else f"{type(problem).__name__}: "
                        print(f"FAIL {name}: {kind}{problem}")
                    else:
                        right += 1
                        print(f"ok   {name}: {seen}")
                    sys.stdout.flush()
    print(f"{right} as they should be, {wrong} not; {ended} of {texts} texts end")
    sys.exit(0 if wrong == 0 and right > 0 else 1)


if __name__ == "__main__":
    main()
