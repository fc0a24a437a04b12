#!/usr/bin/env python3
"""Makes a reference that `gpt verify` compares the engine with: a Llama or a Qwen3 by transformers and PyTorch in float64.

    make_transformer_reference.py DIR --family llama|qwen3 [--layers 2] [--heads 4] [--kv-heads 2] [--head-size 10]
                               [--width 24] [--inner 44] [--context 48] [--vocabulary 61] [--base 10000] [--epsilon 1e-6]
                               [--tied] [--bias] [--scaling linear|llama3] [--batch 2] [--length 33] [--steps 5]
                               [--clip 1.0 | --no-clip] [--decay 0.1] [--seed 1]

Needs torch, transformers and safetensors. The contents of the files are described in ReferenceCheck.swift. transformers
computes the angles of rotary positions in single precision, whatever the precision of the model; here they are computed in
double precision, like everything else.
"""
import math

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

import reference

parser = reference.parser(
    __doc__, layers=2, heads=4, kv_heads=2, head_size=10, width=24, inner=44, context=48, vocabulary=61)
parser.add_argument("--family", choices=["llama", "qwen3"], required=True)
parser.add_argument("--base", type=float, default=10000.0)
parser.add_argument("--epsilon", type=float, default=1e-6)
parser.add_argument("--tied", action="store_true")
parser.add_argument("--bias", action="store_true", help="biases of attention, and of Llama's feed-forward network")
parser.add_argument("--scaling", choices=["linear", "llama3"])
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
reference.randomize(model, embeddings=["embed_tokens"], input_axis=1)


def frequencies():
    """Radians per position, in double precision."""
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
reference.save(model, a)
