#!/usr/bin/env python3
"""Makes a reference that `gpt verify` holds the engine against: a GPT-2 by transformers and PyTorch in float64.

    make_gpt2_reference.py DIR [--layers 2] [--heads 2] [--width 32] [--inner N] [--context 64] [--vocabulary 128]
                               [--untied] [--activation gelu_new|relu] [--epsilon 1e-5] [--batch 2] [--length 33]
                               [--steps 5] [--clip 1.0 | --no-clip] [--decay 0.1] [--seed 1]

Needs torch, transformers and safetensors. What the files hold is written in ReferenceCheck.swift.
"""
import argparse, json, pathlib

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("directory", type=pathlib.Path)
for name, value in dict(layers=2, heads=2, width=32, context=64, vocabulary=128, batch=2, length=33, steps=5, seed=1).items():
    parser.add_argument("--" + name, type=int, default=value)
parser.add_argument("--inner", type=int)
parser.add_argument("--untied", action="store_true")
parser.add_argument("--activation", default="gelu_new")
parser.add_argument("--epsilon", type=float, default=1e-5)
parser.add_argument("--clip", type=float, default=1.0)
parser.add_argument("--no-clip", dest="clip", action="store_const", const=None)
parser.add_argument("--decay", type=float, default=0.1)
a = parser.parse_args()

torch.manual_seed(a.seed)
config = GPT2Config(
    vocab_size=a.vocabulary, n_positions=a.context, n_embd=a.width, n_layer=a.layers, n_head=a.heads, n_inner=a.inner,
    activation_function=a.activation, layer_norm_epsilon=a.epsilon, tie_word_embeddings=not a.untied, attn_pdrop=0.0,
    embd_pdrop=0.0, resid_pdrop=0.0, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config)
# Weights larger than at the start of training, and biases and norms off their initial values, so that a term left out
# anywhere shows.
with torch.no_grad():
    for name, p in model.named_parameters():
        if p.dim() == 2:
            p.normal_(std=0.1 if "wte" in name or "wpe" in name else 0.3 / p.shape[0] ** 0.5)
        else:
            p.add_(torch.randn_like(p) * 0.1)
a.directory.mkdir(parents=True, exist_ok=True)
model.save_pretrained(a.directory)
model = model.double().train()
parameters = dict(model.named_parameters())


def loss_of(ids, targets):
    return torch.nn.functional.cross_entropy(model(ids).logits.flatten(0, 1), targets.flatten())


ids = torch.randint(a.vocabulary, (a.batch, a.context))
logits = model(ids).logits
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
(a.directory / "inputs.json").write_text(json.dumps(dict(loss=expected["loss64"].item(), train=settings), indent=1))
print(f"{a.directory}: loss {before[0]:.4f} to {after[-1]:.4f}, gradient norm {norms[0]:.3f}")
