#!/usr/bin/env python3
"""Makes a reference that `gpt verify` compares the engine with: a GPT-2 by transformers and PyTorch in float64.

    make_gpt2_reference.py DIR [--layers 2] [--heads 2] [--width 32] [--inner N] [--context 64] [--vocabulary 128]
                               [--untied] [--activation gelu_new|relu] [--epsilon 1e-5] [--batch 2] [--length 33]
                               [--steps 5] [--clip 1.0 | --no-clip] [--decay 0.1] [--seed 1]

Needs torch, transformers and safetensors. The contents of the files are described in ReferenceCheck.swift.
"""
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import reference

parser = reference.parser(__doc__, layers=2, heads=2, width=32, context=64, vocabulary=128)
parser.add_argument("--inner", type=int)
parser.add_argument("--untied", action="store_true")
parser.add_argument("--activation", default="gelu_new")
parser.add_argument("--epsilon", type=float, default=1e-5)
a = parser.parse_args()

torch.manual_seed(a.seed)
config = GPT2Config(
    vocab_size=a.vocabulary, n_positions=a.context, n_embd=a.width, n_layer=a.layers, n_head=a.heads, n_inner=a.inner,
    activation_function=a.activation, layer_norm_epsilon=a.epsilon, tie_word_embeddings=not a.untied, attn_pdrop=0.0,
    embd_pdrop=0.0, resid_pdrop=0.0, bos_token_id=0, eos_token_id=0)
model = GPT2LMHeadModel(config)
reference.randomize(model, embeddings=["wte", "wpe"], input_axis=0)
reference.save(model, a)
