#!/usr/bin/env python3
"""Holds `gpt explain --json` against Hugging Face's transformers.

    check_explanation.py PATH/TO/gpt [--seconds]

Makes models with random weights: GPT-2, Llama, Qwen3, BERT (with a head for masked tokens, with labels, without a head) and
Marian. For ids of each it compares the attention patterns with `output_attentions`, the residual streams with
`output_hidden_states`, the log probabilities and the logit lens with those of the logits in float64, and the labels; all must
differ by less than 1e-5. With --seconds it also measures the time for 1,024 tokens, 12 layers and 12 heads. Needs torch,
transformers and numpy.
"""
import argparse, json, pathlib, subprocess, tempfile, time

import numpy
import torch
import transformers

TOLERANCE = 1e-5
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("gpt", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("--seconds", action="store_true")
options = parser.parse_args()
transformers.utils.logging.disable_progress_bar()
failures = 0


def save(model, directory):
    """Larger random weights than new ones, so that attention is not even."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if not p.requires_grad:
                continue  # the sinusoids of Marian, which are not stored
            if p.dim() == 2:
                scale = 0.3 if "embed" in name or "wte" in name or "wpe" in name or "shared" in name else 0.8 / min(p.shape) ** 0.5
                p.normal_(std=scale, generator=generator)
            else:
                p.add_(torch.empty_like(p).normal_(std=0.1, generator=generator))
    model.save_pretrained(directory)
    return model.double().eval()


def explain(directory, ids, name="explanation.json"):
    path = directory / name
    run = subprocess.run(
        [options.gpt, "explain", directory, "--ids", ",".join(map(str, ids)), "--json", path, "--hidden", "--top", "7"],
        capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    return json.loads(path.read_text())


class Comparison:
    def __init__(self, name):
        self.name, self.worst, self.count, self.problems = name, 0.0, 0, []

    def numbers(self, what, ours, theirs):
        ours, theirs = numpy.asarray(ours, dtype=numpy.float64), numpy.asarray(theirs, dtype=numpy.float64)
        self.count += ours.size
        if ours.shape != theirs.shape:
            self.problems.append(f"{what}: {ours.shape} and {theirs.shape}")
            return
        difference = float(numpy.abs(ours - theirs).max()) if ours.size else 0.0
        self.worst = max(self.worst, difference)
        if not difference < TOLERANCE:
            self.problems.append(f"{what} differs by {difference:.1e}")

    def patterns(self, result, prefix, attentions, name="attn"):
        for layer, expected in enumerate(attentions):
            key = f"{prefix}blocks.{layer}.{name}.hook_pattern"
            self.numbers(key, result[key], expected[0])
        if f"{prefix}blocks.{len(attentions)}.{name}.hook_pattern" in result:
            self.problems.append("too many layers")

    def hidden(self, result, prefix, states, last=None):
        """`last` is the residual stream after the last block, if transformers returns its norm."""
        layers = len(states) - 1
        for layer in range(layers):
            key = f"{prefix}blocks.{layer}.hook_resid_pre"
            self.numbers(key, result[key], states[layer][0])
        key = f"{prefix}blocks.{layers - 1}.hook_resid_post"
        if last is None:
            self.numbers(key, result[key], states[layers][0])
        else:
            self.numbers("ln_final.hook_normalized", result["ln_final.hook_normalized"], states[layers][0])
            self.numbers(key, result[key], last[0])

    def probabilities(self, result, ids, logits, shifted):
        logs = torch.log_softmax(logits, -1)
        ours = result["log_probs"]
        for position, id in enumerate(ids):
            row = position - 1 if shifted else position
            if row < 0:
                if ours[position] is not None or result["top"][position] is not None:
                    self.problems.append("the first token has a probability")
                continue
            self.numbers("log_probs", ours[position], logs[row][id].item())
            values, indices = logs[row].topk(7)
            self.numbers("top", [t["log_prob"] for t in result["top"][position]], values)
            self.numbers("top ids", [t["id"] for t in result["top"][position]], indices)

    def lens(self, result, layers):
        """`layers` are the logits after each layer."""
        if len(result["logit_lens"]) != len(layers):
            self.problems.append(f"a lens of {len(result['logit_lens'])} layers")
        for ours, logits in zip(result["logit_lens"], layers):
            values, indices = torch.softmax(logits, -1).topk(7)
            self.numbers("logit_lens", [[t["probability"] for t in row] for row in ours], values)
            self.numbers("logit_lens ids", [[t["id"] for t in row] for row in ours], indices)

    def report(self):
        global failures
        failures += len(self.problems) > 0
        problem = "; ".join(self.problems[:3])
        print(f"{'FAIL' if problem else 'ok  '} {self.name}: {self.count} numbers, at most {self.worst:.1e} apart" + (f": {problem}" if problem else ""), flush=True)


def check_decoder(name, config, directory):
    # Eager attention is the one that returns its probabilities.
    config._attn_implementation = "eager"
    model = save(transformers.AutoModelForCausalLM.from_config(config), directory)
    base = model.base_model
    if hasattr(base, "rotary_emb"):
        frequencies = base.rotary_emb.inv_freq.double()

        def rotation(x, position_ids, *arguments, **more):
            angles = torch.cat([position_ids[..., None].double() * frequencies] * 2, dim=-1)
            return angles.cos(), angles.sin()

        base.rotary_emb.forward = rotation
    norm = base.ln_f if hasattr(base, "ln_f") else base.norm
    before = []
    norm.register_forward_pre_hook(lambda module, inputs: before.append(inputs[0]))
    ids = torch.randint(config.vocab_size, (1, 41), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        theirs = model(ids, output_attentions=True, output_hidden_states=True)
        last = before[0]
        layers = [model.lm_head(norm(state))[0] for state in theirs.hidden_states[:-1]] + [theirs.logits[0]]
    result = explain(directory, ids[0].tolist())
    comparison = Comparison(name)
    comparison.patterns(result, "", theirs.attentions)
    comparison.hidden(result, "", theirs.hidden_states, last)
    comparison.probabilities(result, ids[0].tolist(), theirs.logits[0], shifted=True)
    comparison.lens(result, layers)
    comparison.report()


def check_encoder(name, kind, config, directory):
    config._attn_implementation = "eager"
    model = save(kind(config), directory)
    ids = torch.randint(config.vocab_size, (1, 33), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        theirs = model(ids, output_attentions=True, output_hidden_states=True)
    result = explain(directory, ids[0].tolist())
    comparison = Comparison(name)
    comparison.patterns(result, "", theirs.attentions)
    comparison.hidden(result, "", theirs.hidden_states)
    if kind is transformers.BertForMaskedLM:
        comparison.probabilities(result, ids[0].tolist(), theirs.logits[0], shifted=False)
        with torch.no_grad():
            comparison.lens(result, [model.cls(state)[0] for state in theirs.hidden_states])
    if kind is transformers.BertForSequenceClassification:
        probabilities = torch.softmax(theirs.logits[0], -1)
        expected = sorted(probabilities.tolist(), reverse=True)
        comparison.numbers("labels", [label["probability"] for label in result["labels"]], expected)
    comparison.report()


def check_translator(name, config, directory):
    config._attn_implementation = "eager"
    model = save(transformers.MarianMTModel(config), directory)
    ids = torch.randint(1, config.vocab_size - 1, (1, 19), generator=torch.Generator().manual_seed(4))
    result = explain(directory, ids[0].tolist())
    target = torch.tensor([result["target_ids"]])
    with torch.no_grad():
        theirs = model(ids, decoder_input_ids=target, output_attentions=True, output_hidden_states=True)
        layers = [model.lm_head(state)[0] + model.final_logits_bias[0] for state in theirs.decoder_hidden_states]
    comparison = Comparison(f"{name}, a target of {target.shape[1]} tokens")
    comparison.patterns(result, "encoder.", theirs.encoder_attentions)
    comparison.patterns(result, "decoder.", theirs.decoder_attentions)
    comparison.patterns(result, "decoder.", theirs.cross_attentions, "cross_attn")
    comparison.hidden(result, "encoder.", theirs.encoder_hidden_states)
    comparison.hidden(result, "decoder.", theirs.decoder_hidden_states)
    comparison.probabilities(result, result["target_ids"], theirs.logits[0], shifted=True)
    comparison.lens(result, layers)
    # The target is that of greedy search.
    comparison.numbers("target", result["target_ids"][1:4], theirs.logits[0].argmax(-1)[:3])
    comparison.report()


def measure(directory):
    config = transformers.GPT2Config(vocab_size=65, n_positions=1024, n_embd=768, n_layer=12, n_head=12)
    transformers.GPT2LMHeadModel(config).save_pretrained(directory)
    ids = ",".join(str(i * i % 65) for i in range(1024))
    start = time.perf_counter()
    subprocess.run([options.gpt, "explain", directory, "--ids", ids], capture_output=True, check=True)
    print(f"1,024 tokens, 12 layers, 12 heads: {time.perf_counter() - start:.1f} s")


llama = dict(vocab_size=61, hidden_size=30, intermediate_size=45, num_hidden_layers=3, num_attention_heads=6,
             num_key_value_heads=2, head_dim=10, max_position_embeddings=50, bos_token_id=0, eos_token_id=0)
gpt2 = dict(vocab_size=61, n_positions=50, n_embd=30, n_layer=3, n_head=5, bos_token_id=0, eos_token_id=0)
bert = dict(vocab_size=61, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
            max_position_embeddings=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
marian = dict(vocab_size=61, d_model=32, encoder_layers=2, decoder_layers=3, encoder_attention_heads=4,
              decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=40, max_position_embeddings=40,
              pad_token_id=60, decoder_start_token_id=60, eos_token_id=0, forced_eos_token_id=0,
              activation_function="swish", scale_embedding=True, num_beams=1)
with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    print(f"transformers {transformers.__version__}")
    check_decoder("gpt2", transformers.GPT2Config(**gpt2), work / "gpt2")
    check_decoder("llama", transformers.LlamaConfig(**llama), work / "llama")
    check_decoder("qwen3", transformers.Qwen3Config(**llama), work / "qwen3")
    check_encoder("bert, masked tokens", transformers.BertForMaskedLM, transformers.BertConfig(**bert), work / "masked")
    check_encoder(
        "bert, labels", transformers.BertForSequenceClassification, transformers.BertConfig(**bert | dict(num_labels=3)),
        work / "labels")
    check_encoder("bert", transformers.BertModel, transformers.BertConfig(**bert), work / "bert")
    check_translator("marian", transformers.MarianConfig(**marian), work / "marian")
    if options.seconds:
        measure(work / "speed")
raise SystemExit(failures > 0)
