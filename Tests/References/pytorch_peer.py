#!/usr/bin/env python3
"""What PyTorch makes of the same work: the other side of `Scripts/figures`.

    pytorch_peer.py train    --layers 4 --heads 4 --width 128 --context 64 --vocabulary 65 --batch 12 --length 64
    pytorch_peer.py generate --layers 4 --heads 4 --width 128 --context 64 --vocabulary 65

A GPT-2 of the given shape on the CPU, as one would write it with PyTorch's own fused parts. It measures what `gpt bench`
measures, in the same way: training by the median of whole steps (forward, loss, backward, clipping to 1, fused AdamW) after
three that do not count; generation by the best of three sequences that grow from one token with a cache. Prints one JSON
object. Needs torch and nothing else.
"""
import argparse
import contextlib
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F


class Layer(torch.nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.LayerNorm(width)
        self.inward = torch.nn.Linear(width, 3 * width)
        self.outward = torch.nn.Linear(width, width)
        self.norm2 = torch.nn.LayerNorm(width)
        self.widen = torch.nn.Linear(width, 4 * width)
        self.narrow = torch.nn.Linear(4 * width, width)

    def forward(self, x, cache=None):
        batch, length, width = x.shape
        mixed = self.inward(self.norm1(x)).view(batch, length, 3, self.heads, width // self.heads)
        queries, keys, values = mixed.permute(2, 0, 3, 1, 4)
        if cache is not None:
            keys, values = cache.extend(keys, values)
        # A single new token may see all there is.
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=length > 1)
        x = x + self.outward(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.narrow(F.gelu(self.widen(self.norm2(x)), approximate="tanh"))


class Cache:
    """The keys and values of a layer so far."""

    def __init__(self):
        self.keys = self.values = None

    def extend(self, keys, values):
        if self.keys is not None:
            keys = torch.cat([self.keys, keys], dim=2)
            values = torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys, values
        return keys, values


class GPT2(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.tokens = torch.nn.Embedding(shape.vocabulary, shape.width)
        self.positions = torch.nn.Embedding(shape.context, shape.width)
        self.layers = torch.nn.ModuleList([Layer(shape.width, shape.heads) for _ in range(shape.layers)])
        self.norm = torch.nn.LayerNorm(shape.width)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                torch.nn.init.zeros_(parameter)

    def forward(self, ids, first=0, caches=None):
        """The logits of every position; the classifier is the embedding again."""
        places = torch.arange(first, first + ids.shape[1])
        x = self.tokens(ids) + self.positions(places)
        for i, layer in enumerate(self.layers):
            x = layer(x, caches[i] if caches else None)
        return F.linear(self.norm(x), self.tokens.weight)


def precision_context(precision):
    return torch.autocast("cpu", dtype=torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def train(shape):
    torch.manual_seed(1)
    model = GPT2(shape)
    run = torch.compile(model) if shape.compile else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    text = torch.randint(shape.vocabulary, (shape.batch, shape.length + 1))
    inputs, targets = text[:, :-1].contiguous(), text[:, 1:].contiguous().view(-1)

    def step():
        optimizer.zero_grad(set_to_none=True)
        with precision_context(shape.precision):
            loss = F.cross_entropy(run(inputs).view(-1, shape.vocabulary), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    for _ in range(3):
        step()
    seconds, end = [], time.perf_counter() + shape.seconds
    while len(seconds) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    rate = targets.numel() / statistics.median(seconds)
    # 6 for each parameter that multiplies, which the positions do not, and attention's scores twice.
    parameters = sum(p.numel() for p in model.parameters()) - model.positions.weight.numel()
    flops = 6 * parameters + 12 * shape.layers * shape.width * shape.length
    return {"tokens_per_second": rate, "gflops": rate * flops / 1e9, "steps": len(seconds)}


@torch.no_grad()
def generate(shape):
    torch.manual_seed(1)
    model = GPT2(shape).eval()
    count = max(1, min(200, shape.context - 2))
    rates = []
    for _ in range(3):
        caches = [Cache() for _ in model.layers]
        token = torch.zeros((1, 1), dtype=torch.long)
        start = time.perf_counter()
        with precision_context(shape.precision):
            for place in range(count):
                logits = model(token, place, caches)[:, -1].float()
                token = torch.multinomial(torch.softmax(logits / 0.8, dim=-1), 1)
        rates.append(count / (time.perf_counter() - start))
    return {"tokens_per_second": max(rates), "tokens": count}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "generate"])
    for name in ["layers", "heads", "width", "context", "vocabulary"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--length", type=int, default=1)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--threads", type=int)
    shape = parser.parse_args()
    if shape.threads:
        torch.set_num_threads(shape.threads)
    result = train(shape) if shape.what == "train" else generate(shape)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["peak_rss_mb"] = memory // (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"engine": "PyTorch", "version": torch.__version__.split("+")[0], **result}))


if __name__ == "__main__":
    main()
