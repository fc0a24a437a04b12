#!/usr/bin/env python3
"""Makes a reference that `gpt verify` compares the engine with: an encoder (BERT) or an encoder-decoder (Marian) by
transformers and PyTorch in float64, with sequences of different lengths.

    make_encoder_reference.py DIR --kind classifier|masked|marian [--layers 2] [--decoder-layers 3] [--heads 2] [--width 22]
                              [--inner 36] [--context 19] [--vocabulary 53] [--labels 3] [--batch 4] [--activation gelu]
                              [--steps 5] [--smoothing 0.1] [--seed 1]

Needs torch, transformers and safetensors. The contents of the files are described in the extensions of ReferenceCheck.
"""
import json

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig, BertForMaskedLM, BertForSequenceClassification, MarianConfig, MarianMTModel,
)

import reference

parser = reference.parser(
    __doc__, layers=2, decoder_layers=3, heads=2, width=22, inner=36, context=19, vocabulary=53, labels=3)
parser.add_argument("--kind", choices=["classifier", "masked", "marian"], required=True)
parser.add_argument("--activation", default="gelu")
parser.add_argument("--smoothing", type=float, default=0.1, help="label smoothing of the training steps of marian")
a = parser.parse_args()

torch.manual_seed(a.seed)
# The models are so small that a second thread costs more than it saves.
torch.set_num_threads(1)
if a.kind == "marian":
    model = MarianMTModel(MarianConfig(
        vocab_size=a.vocabulary, decoder_vocab_size=a.vocabulary, max_position_embeddings=a.context, d_model=a.width,
        encoder_layers=a.layers, decoder_layers=a.decoder_layers, encoder_attention_heads=a.heads,
        decoder_attention_heads=a.heads, encoder_ffn_dim=a.inner, decoder_ffn_dim=a.inner + 8,
        activation_function=a.activation, scale_embedding=True, pad_token_id=a.vocabulary - 1,
        decoder_start_token_id=a.vocabulary - 1, eos_token_id=0, forced_eos_token_id=0, dropout=0.0))
else:
    config = BertConfig(
        vocab_size=a.vocabulary, max_position_embeddings=a.context, hidden_size=a.width, num_hidden_layers=a.layers,
        num_attention_heads=a.heads, intermediate_size=a.inner, hidden_act=a.activation, num_labels=a.labels,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = (BertForSequenceClassification if a.kind == "classifier" else BertForMaskedLM)(config)

# The sinusoids of positions are no parameters, and are not saved.
with torch.no_grad():
    for name, p in model.named_parameters():
        if "embed_positions" in name:
            continue
        if p.dim() == 2:
            p.normal_(std=0.3 if "embed" in name or "shared" in name else 0.6 / p.shape[1] ** 0.5)
        else:
            p.add_(torch.randn_like(p) * 0.1)
    if a.kind == "marian":
        model.final_logits_bias.normal_(std=0.2)
if a.kind == "marian":
    # Trained for a moment to reverse its input, so that searches with different settings find different targets.
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(a.steps * 40):
        batch = torch.randint(1, a.vocabulary - 1, (16, a.context // 2))
        optimizer.zero_grad()
        model(input_ids=batch, labels=batch.flip(1)).loss.backward()
        optimizer.step()
    model.zero_grad()
a.directory.mkdir(parents=True, exist_ok=True)
model.save_pretrained(a.directory)
model = model.double().eval()

lengths = torch.randint(1, a.context + 1, (a.batch,))
lengths[0] = a.context
mask = (torch.arange(a.context) < lengths[:, None]).long()
ids = torch.randint(1, a.vocabulary - 1, (a.batch, a.context)) * mask
expected, generated = {"input_ids": ids, "attention_mask": mask}, {}
if a.kind == "marian":
    ids += (1 - mask) * (a.vocabulary - 1)
    labels = torch.randint(1, a.vocabulary - 1, (a.batch, a.context - 4))
    target_lengths = torch.randint(1, a.context - 3, (a.batch,))
    labels[torch.arange(a.context - 4) >= target_lengths[:, None]] = -100
    decoder_ids = torch.cat([torch.full((a.batch, 1), a.vocabulary - 1), labels[:, :-1]], 1)
    decoder_ids[decoder_ids == -100] = a.vocabulary - 1
    output = model(input_ids=ids, attention_mask=mask, decoder_input_ids=decoder_ids, labels=labels)
    expected |= {"decoder_input_ids": decoder_ids, "labels": labels, "encoder_hidden": output.encoder_last_hidden_state}
    for beams, penalty in [(1, 1.0), (4, 1.0), (3, 0.6), (2, 2.0)]:
        rows = model.generate(
            input_ids=ids, attention_mask=mask, num_beams=beams, length_penalty=penalty, early_stopping=beams > 1,
            max_new_tokens=a.context - 5, do_sample=False)
        generated[f"beams{beams}_penalty{penalty}"] = rows.tolist()
else:
    types = (torch.arange(a.context) * 2 >= lengths[:, None]).long() * mask
    if a.kind == "classifier":
        labels = torch.randint(a.labels, (a.batch,))
    else:
        labels = torch.where((torch.rand(a.batch, a.context) < 0.3) & (mask == 1), ids, -100)
        labels[0, 0] = ids[0, 0]
    output = model(
        input_ids=ids, attention_mask=mask, token_type_ids=types, labels=labels, output_hidden_states=True)
    expected |= {"token_type_ids": types, "labels": labels, "hidden": output.hidden_states[-1]}
assert output.logits.dtype == torch.float64
output.loss.backward()
expected |= {"logits": output.logits, "loss64": output.loss.reshape(1)}
expected |= {"grad." + name: p.grad for name, p in model.named_parameters() if p.grad is not None}
save_file(
    {k: v.detach().contiguous() if k == "loss64" or not v.is_floating_point() else v.detach().float().contiguous()
     for k, v in expected.items()},
    a.directory / "expected.safetensors")
inputs = dict(kind=a.kind, loss=output.loss.item(), generated=generated)
if a.kind == "marian":
    # Some steps of training, with padding and masks, and label smoothing.
    def batch(step):
        def padded(filling):
            lengths = torch.randint(1, a.context + 1, (a.batch,))
            mask = (torch.arange(lengths.max()) < lengths[:, None]).long()
            rows = torch.randint(1, a.vocabulary - 1, mask.shape)
            rows[torch.arange(a.batch), lengths - 1] = 0
            return torch.where(mask == 1, rows, filling), mask

        sources, source_mask = padded(a.vocabulary - 1)
        targets, target_mask = padded(a.vocabulary - 1)
        labels = torch.where(target_mask == 1, targets, -100)

        def loss():
            logits = model(input_ids=sources, attention_mask=source_mask, labels=labels).logits
            return torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), ignore_index=-100, label_smoothing=a.smoothing)

        return {f"sources.{step}": sources, f"source_mask.{step}": source_mask, f"targets.{step}": targets,
                f"target_mask.{step}": target_mask}, loss

    inputs["train"] = reference.train(model, a, batch, moments=False) | dict(smoothing=a.smoothing)
(a.directory / "inputs.json").write_text(json.dumps(inputs) + "\n")
print(f"{a.directory}: loss {output.loss.item():.4f}")
