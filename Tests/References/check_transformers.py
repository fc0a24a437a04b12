#!/usr/bin/env python3
"""Holds the directories of models against Hugging Face's transformers, both ways.

    check_transformers.py PATH/TO/gpt [--train] [DIRECTORY ...]

Makes models of the three families with transformers, as they are published: in float32, bfloat16 and float16, in one file
and in many, with odd sizes, tied and untied, and GPT-2 under its first names with its masks; has `gpt verify` read each and
compare logits, loss and gradients with those of transformers in float64. Then reads each DIRECTORY that `gpt train` made
(with --train a few are made first) with transformers, where a missing key, a superfluous one or a warning is an error, and
compares in the same way. Needs torch, transformers and safetensors.
"""
import argparse, logging, pathlib, shutil, subprocess, sys, tempfile, warnings

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen3Config

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("gpt", type=pathlib.Path)
parser.add_argument("--train", action="store_true")
parser.add_argument("directories", nargs="*", type=pathlib.Path)
a = parser.parse_args()
warnings.simplefilter("error")
failures = 0


class Complaints(logging.Handler):
    """Collects what transformers warns of."""
    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []

    def emit(self, record):
        self.found.append(record.getMessage())


complaints = Complaints()
transformers.utils.logging.get_logger().addHandler(complaints)
transformers.utils.logging.disable_progress_bar()


def report(name, problem):
    global failures
    failures += problem is not None
    print(f"{'ok  ' if problem is None else 'FAIL'} {name}" + (f": {problem}" if problem else ""), flush=True)


def load(directory):
    """The model in float64, and what is wrong with how it was read."""
    complaints.found.clear()
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True)
    problems = [f"{key}: {sorted(info[key])}" for key in ["missing_keys", "unexpected_keys", "mismatched_keys"] if info[key]]
    return model.double().eval(), problems + complaints.found


def compare(name, directory, model):
    """Whether `gpt verify` finds in the directory what transformers computes in double."""
    base = model.base_model
    if hasattr(base, "rotary_emb"):
        # transformers turns by angles in single precision, whatever the model's is.
        frequencies = base.rotary_emb.inv_freq.double()

        def rotation(x, position_ids, *arguments, **more):
            angles = torch.cat([position_ids[..., None].double() * frequencies] * 2, dim=-1)
            return angles.cos(), angles.sin()

        base.rotary_emb.forward = rotation
    torch.manual_seed(1)
    ids = torch.randint(model.config.vocab_size, (2, min(48, model.config.max_position_embeddings)))
    logits = model(ids).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    expected = {"input_ids": ids, "logits": logits.detach().float(), "loss64": loss.detach().reshape(1)}
    expected |= {"grad." + key: p.grad.float() for key, p in model.named_parameters()}
    save_file({k: v.contiguous() for k, v in expected.items()}, directory / "expected.safetensors")
    run = subprocess.run([a.gpt, "verify", directory], capture_output=True, text=True)
    report(name, None if run.returncode == 0 else run.stdout + run.stderr)


def made(name, config, directory, dtype, shards):
    """A directory as transformers writes it."""
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for key, p in model.named_parameters():
            if p.dim() == 2:
                p.normal_(std=0.1 if "embed" in key or "wte" in key or "wpe" in key else 0.3 / min(p.shape) ** 0.5)
            else:
                p.add_(torch.randn_like(p) * 0.1)
    model.to(dtype).save_pretrained(directory, **({"max_shard_size": "20KB"} if shards else {}))
    count = len(list(directory.glob("*.safetensors")))
    if shards and count < 2:
        report(name, f"it is in {count} file")
    compare(name, directory, load(directory)[0])
    return model


llama = dict(vocab_size=61, hidden_size=30, intermediate_size=45, num_hidden_layers=3, num_attention_heads=6,
             num_key_value_heads=2, head_dim=10, max_position_embeddings=50, bos_token_id=0, eos_token_id=0)
gpt2 = dict(vocab_size=61, n_positions=50, n_embd=30, n_layer=3, n_head=5, bos_token_id=0, eos_token_id=0)
stretched = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
             "original_max_position_embeddings": 20}
if int(transformers.__version__.split(".")[0]) >= 5:
    stretched = {"rope_parameters": stretched | {"rope_theta": 500000.0}}
else:
    stretched = {"rope_scaling": stretched, "rope_theta": 500000.0}
configurations = [
    ("gpt2", GPT2Config(**gpt2)),
    ("gpt2, untied, ReLU", GPT2Config(**gpt2 | dict(activation_function="relu", n_inner=37, tie_word_embeddings=False))),
    ("llama", LlamaConfig(**llama)),
    ("llama, tied, with biases", LlamaConfig(**llama | dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True))),
    ("llama, stretched", LlamaConfig(**llama | stretched)),
    ("llama, by default", LlamaConfig(
        **{k: v for k, v in llama.items() if k not in ("head_dim", "num_key_value_heads")} | dict(hidden_size=36))),
    ("qwen3", Qwen3Config(**llama | dict(hidden_size=27, num_key_value_heads=1))),
    ("qwen3, tied", Qwen3Config(**llama | dict(tie_word_embeddings=True, attention_bias=True))),
]
with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    print(f"transformers {transformers.__version__}")
    for i, (name, config) in enumerate(configurations):
        for dtype in [torch.float32, torch.bfloat16, torch.float16]:
            for shards in [False, True]:
                label = f"{name}, {str(dtype).removeprefix('torch.')}" + (", in several files" if shards else "")
                made(label, config, work / f"{i}-{dtype}-{shards}", dtype, shards)

    # GPT-2 as published: no prefix, and the masks of its attention.
    directory = work / "published"
    made("gpt2", GPT2Config(**gpt2), directory, torch.float32, False)
    model, _ = load(directory)
    tensors = {k.removeprefix("transformer."): v for k, v in load_file(directory / "model.safetensors").items()}
    for layer in range(3):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 50, 50).tril()
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    compare("gpt2, as published", directory, model)

    # What gpt wrote.
    if a.train:
        for i, options in enumerate([
                "--family gpt2", "--family llama", "--family qwen3", "--family llama --kv-heads 2 --heads 8 --width 64",
                "--family qwen3 --kv-heads 1 --tokenizer bpe:300"]):
            target = work / f"trained-{i}"
            text = pathlib.Path(__file__).resolve().parents[2] / "README.md"
            subprocess.run(
                [a.gpt, "train", "--quiet", "--steps", "5", "--layers", "2", "--text", text, "--out", target]
                + options.split(), check=True, capture_output=True)
            a.directories.append(target)
    for i, directory in enumerate(a.directories):
        copy = work / f"ours-{i}"
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("training"))
        model, problems = load(copy)
        report(f"{directory.name}: transformers reads {model.config.model_type}", "; ".join(problems) or None)
        transformers.AutoTokenizer.from_pretrained(copy)
        compare(f"{directory.name}: the same numbers", copy, model)
sys.exit(1 if failures else 0)
