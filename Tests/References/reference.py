"""What the scripts that make references have in common: options, weights, and the files that `gpt verify` reads.

Needs torch and safetensors. The contents of the files are described in ReferenceCheck.swift.
"""
import argparse, json, pathlib

import torch
from safetensors.torch import save_file


def parser(description, **sizes):
    """A parser of the options that all references have, and of an integer option for each of `sizes`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    for name, value in (sizes | dict(batch=2, length=33, steps=5, seed=1)).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--no-clip", dest="clip", action="store_const", const=None)
    parser.add_argument("--decay", type=float, default=0.1)
    return parser


def randomize(model, embeddings, input_axis):
    """Makes weights larger than at the start of training, and moves biases and norms off their initial values, so that a
    missing term shows. `embeddings` are parts of the names of embeddings; `input_axis` is the axis of a layer's inputs."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 2:
                p.normal_(std=0.1 if any(part in name for part in embeddings) else 0.3 / p.shape[input_axis] ** 0.5)
            else:
                p.add_(torch.randn_like(p) * 0.1)


def save(model, a):
    """Writes the model, its logits and gradients, and some steps of training, to `a.directory`, all computed in float64."""
    a.directory.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(a.directory)
    model = model.double().train()
    parameters = dict(model.named_parameters())

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

    length = min(a.length, a.context) + 1 if a.length < a.context else a.context

    def batch(step):
        ids = torch.randint(a.vocabulary, (a.batch, length))
        return {f"batch.{step}": ids}, lambda: loss_of(ids[:, :-1], ids[:, 1:])

    settings = train(model, a, batch)
    (a.directory / "inputs.json").write_text(
        json.dumps(dict(loss=expected["loss64"].item(), train=settings), indent=1) + "\n")


def train(model, a, batch, moments=True):
    """Writes some steps of AdamW to train.safetensors, and returns their settings. `batch` gives for the number of a step the
    tensors of its batch by name, and a function that computes the mean loss."""
    # The sinusoids of positions are constant, although some versions of transformers mark them as trained.
    parameters = {name: p for name, p in model.named_parameters() if "embed_positions" not in name}
    settings = dict(steps=a.steps, lr=1e-3, beta1=0.9, beta2=0.95, eps=1e-8, weight_decay=a.decay, clip_norm=a.clip)
    optimizer = torch.optim.AdamW(
        [dict(params=[p for p in parameters.values() if p.dim() == 2], weight_decay=a.decay),
         dict(params=[p for p in parameters.values() if p.dim() != 2], weight_decay=0.0)],
        lr=1e-3, betas=(0.9, 0.95), eps=1e-8)
    tensors, before, after, norms = {}, [], [], []
    for step in range(a.steps):
        inputs, loss_of = batch(step)
        tensors |= inputs
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        before.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), a.clip if a.clip is not None else 1e30).item())
        optimizer.step()
        with torch.no_grad():
            after.append(loss_of().item())
    for name, values in dict(loss_before64=before, loss_after64=after, grad_norm64=norms).items():
        tensors[name] = torch.tensor(values, dtype=torch.float64)
    for name, p in parameters.items():
        state = optimizer.state[p]
        tensors["final." + name] = p.float()
        if moments:
            tensors |= {"exp_avg." + name: state["exp_avg"].float(), "exp_avg_sq." + name: state["exp_avg_sq"].float()}
    save_file({k: v.detach().contiguous() for k, v in tensors.items()}, a.directory / "train.safetensors")
    print(f"{a.directory}: loss {before[0]:.4f} to {after[-1]:.4f}, gradient norm {norms[0]:.3f}")
    return settings
