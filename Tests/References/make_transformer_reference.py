#!/usr/bin/env python3
"""Makes a reference that `gpt verify` holds the engine against: a Llama or a Qwen3 by transformers and PyTorch in float64.

    make_transformer_reference.py DIR --family llama|qwen3 [--layers 2] [--heads 4] [--kv-heads 2] [--head-size 10]
                               [--width 24] [--inner 44] [--context 48] [--vocabulary 61] [--base 10000] [--epsilon 1e-6]
                               [--tied] [--bias] [--scaling linear|llama3] [--batch 2] [--length 33] [--steps 5]
                               [--clip 1.0 | --no-clip] [--decay 0.1] [--seed 1]

Needs torch, transformers and safetensors. What the files hold is written in ReferenceCheck.swift. transformers computes the
angles of rotary positions in single precision whatever the model's is; here they are made in double, like everything else.
"""
import argparse, json, math, pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("directory", type=pathlib.Path)
parser.add_argument("--family", choices=["llama", "qwen3"], required=True)
for name, value in dict(
        layers=2, heads=4, kv_heads=2, head_size=10, width=24, inner=44, context=48, vocabulary=61, batch=2, length=33,
        steps=5, seed=1).items():
    parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
parser.add_argument("--base", type=float, default=10000.0)
parser.add_argument("--epsilon", type=float, default=1e-6)
parser.add_argument("--tied", action="store_true")
parser.add_argument("--bias", action="store_true", help="biases of attention, and of Llama's feed-forward network")
parser.add_argument("--scaling", choices=["linear", "llama3"])
parser.add_argument("--clip", type=float, default=1.0)
parser.add_argument("--no-clip", dest="clip", action="store_const", const=None)
parser.add_argument("--decay", type=float, default=0.1)
a = parser.parse_args()

torch.manual_seed(a.seed)
positions = {"rope_type": a.scaling or "default", "rope_theta": a.base}
if a.scaling:
    positions["factor"] = 4.0
if a.scaling == "llama3":
    positions |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": a.context // 2}
options = dict(
    vocab_size=a.vocabulary, max_position_embeddings=a.context, hidden_size=a.width, num_hidden_layers=a.layers,
    num_attention_heads=a.heads, num_key_value_heads=a.kv_heads, head_dim=a.head_size, intermediate_size=a.inner,
    rms_norm_eps=a.epsilon, tie_word_embeddings=a.tied, attention_bias=a.bias, rope_parameters=positions,
    bos_token_id=0, eos_token_id=0)
if a.family == "llama":
    model = LlamaForCausalLM(LlamaConfig(mlp_bias=a.bias, **options))
else:
    model = Qwen3ForCausalLM(Qwen3Config(**options))
# Weights larger than at the start of training, and biases and norms off their initial values, so that a term left out
# anywhere shows.
with torch.no_grad():
    for name, p in model.named_parameters():
        if p.dim() == 2:
            p.normal_(std=0.1 if "embed_tokens" in name else 0.3 / p.shape[1] ** 0.5)
        else:
            p.add_(torch.randn_like(p) * 0.1)
a.directory.mkdir(parents=True, exist_ok=True)
model.save_pretrained(a.directory)
model = model.double().train()
parameters = dict(model.named_parameters())


def frequencies():
    """Radians per position, in double."""
    plain = a.base ** (-torch.arange(0, a.head_size, 2, dtype=torch.float64) / a.head_size)
    if a.scaling == "linear":
        return plain / 4
    if a.scaling == "llama3":
        share = (a.context // 2 * plain / (2 * math.pi) - 1) / 3
        return torch.lerp(plain / 4, plain, share.clamp(0, 1))
    return plain


def rotation(x, position_ids, *arguments, **more):
    angles = position_ids[..., None].double() * frequencies()
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


model.model.rotary_emb.forward = rotation


def loss_of(ids, targets):
    return torch.nn.functional.cross_entropy(model(ids).logits.flatten(0, 1), targets.flatten())


ids = torch.randint(a.vocabulary, (a.batch, a.context))
logits = model(ids).logits
assert logits.dtype == torch.float64
loss = loss_of(ids[:, :-1], ids[:, 1:])
loss.backward()
expected = {"input_ids": ids, "logits": logits.float(), "loss64": loss.detach().reshape(1)}
expected |= {"grad." + name: p.grad.float() for name, p in parameters.items()}
save_file({k: v.detach().contiguous() for k, v in expected.items()}, a.directory / "expected.safetensors")

settings = dict(steps=a.steps, lr=1e-3, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=a.decay, clip_norm=a.clip)
optimizer = torch.optim.AdamW(
    [dict(params=[p for p in parameters.values() if p.dim() == 2], weight_decay=a.decay),
     dict(params=[p for p in parameters.values() if p.dim() != 2], weight_decay=0.0)],
    lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
train, before, after, norms = {}, [], [], []
for step in range(a.steps):
    batch = torch.randint(a.vocabulary, (a.batch, min(a.length, a.context) + 1 if a.length < a.context else a.context))
    train[f"batch.{step}"] = batch
    optimizer.zero_grad()
    loss = loss_of(batch[:, :-1], batch[:, 1:])
    loss.backward()
    before.append(loss.item())
    norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), a.clip if a.clip is not None else 1e30).item())
    optimizer.step()
    with torch.no_grad():
        after.append(loss_of(batch[:, :-1], batch[:, 1:]).item())
for name, values in dict(loss_before64=before, loss_after64=after, grad_norm64=norms).items():
    train[name] = torch.tensor(values, dtype=torch.float64)
for name, p in parameters.items():
    state = optimizer.state[p]
    train |= {"final." + name: p.float(), "exp_avg." + name: state["exp_avg"].float(),
              "exp_avg_sq." + name: state["exp_avg_sq"].float()}
save_file({k: v.detach().contiguous() for k, v in train.items()}, a.directory / "train.safetensors")
(a.directory / "inputs.json").write_text(
    json.dumps(dict(loss=expected["loss64"].item(), train=settings), indent=1) + "\n")
print(f"{a.directory}: loss {before[0]:.4f} to {after[-1]:.4f}, gradient norm {norms[0]:.3f}")
