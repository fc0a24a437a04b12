"""Encoders and encoder-decoders for check_exports.py: models that transformers makes, exported by `gpt export`, and run by
transformers, onnxruntime and PyTorch. The results must be those of the model that transformers made."""

import json
import logging
import os
import shutil
import subprocess
import warnings

import numpy

TOLERANCE = 3e-5
KINDS = ["classifier", "masked", "hidden", "pooled", "translation"]


class Case:
    """A model that transformers made, with a WordPiece vocabulary of ours."""

    def __init__(self, gpt, work, kind, text):
        import torch
        import transformers

        self.gpt, self.kind, self.torch = gpt, kind, torch
        self.directory = os.path.join(work, "encoder-" + kind)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.run("tokenizer", "train", "--quiet", "--kind", "wordpiece", "--text", text, "--vocabulary", "300", "--out", self.directory)
        with open(os.path.join(self.directory, "tokenizer.json"), encoding="utf-8") as file:
            vocabulary = json.load(file)["model"]["vocab"]
        self.inputs = ["input_ids", "attention_mask"] + ([] if kind == "translation" else ["token_type_ids"])
        path = os.path.join(self.directory, "tokenizer_config.json")
        with open(path, encoding="utf-8") as file:
            settings = json.load(file)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings | {"model_input_names": self.inputs}, file)
        torch.manual_seed(7)
        sizes = dict(vocab_size=len(vocabulary) + 3, max_position_embeddings=40)
        if kind == "translation":
            pad, end = vocabulary["[PAD]"], vocabulary["[SEP]"]
            self.model = transformers.MarianMTModel(transformers.MarianConfig(
                **sizes, decoder_vocab_size=sizes["vocab_size"], d_model=20, encoder_layers=2, decoder_layers=3,
                encoder_attention_heads=2, decoder_attention_heads=5, encoder_ffn_dim=30, decoder_ffn_dim=26,
                activation_function="swish", scale_embedding=True, pad_token_id=pad, decoder_start_token_id=pad,
                eos_token_id=end, forced_eos_token_id=end, bos_token_id=None))
        else:
            config = transformers.BertConfig(
                **sizes, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
                pad_token_id=vocabulary["[PAD]"], id2label={0: "no", 1: "perhaps", 2: "yes"})
            make = {
                "classifier": transformers.BertForSequenceClassification, "masked": transformers.BertForMaskedLM,
                "hidden": lambda config: transformers.BertModel(config, add_pooling_layer=False),
                "pooled": transformers.BertModel,
            }[kind]
            self.model = make(config)
        self.model.eval()
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if "embed_positions" not in name:
                    parameter.add_(torch.randn_like(parameter) * 0.2)
        self.model.save_pretrained(self.directory)
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(self.directory)
        texts = ["the tea is for two", "a", "no three déjà vu it's we'll don't and a half she said"]
        self.texts = texts
        pairs = None if kind == "translation" else ["and a half", "no", "she said"]
        self.batch = self.tokenizer(texts, pairs, padding=True, return_tensors="pt")
        self.batch = {name: self.batch[name] for name in self.inputs}
        if kind == "translation":
            self.targets = torch.randint(5, sizes["vocab_size"], (3, 6))
            self.targets[:, 0] = self.model.config.decoder_start_token_id
            self.batch["decoder_input_ids"] = self.targets
        self.expected = self.results(self.model)

    def run(self, *arguments):
        done = subprocess.run([self.gpt, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"gpt {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def export(self, format, name, *options):
        path = os.path.join(self.directory, "exported-" + name)
        self.run("export", self.directory, "--to", format, path, *options)
        return path

    def results(self, model):
        """The outputs by their names, of tokens and not of padding."""
        with self.torch.no_grad():
            output = model(**self.batch)
        names = {"hidden": ["last_hidden_state"], "pooled": ["last_hidden_state", "pooler_output"]}.get(self.kind, ["logits"])
        return {name: output[name].numpy() for name in names}

    def difference(self, results):
        if results.keys() != self.expected.keys():
            raise AssertionError(f"the outputs are {sorted(results)}, not {sorted(self.expected)}")
        largest = 0.0
        for name, expected in self.expected.items():
            other = results[name]
            if other.shape != expected.shape:
                raise AssertionError(f"{name} is of shape {other.shape}, not {expected.shape}")
            if expected.ndim == 3 and self.kind != "translation":
                mask = self.batch["attention_mask"].numpy()[:, :, None]
                other, expected = other * mask, expected * mask
            largest = max(largest, float(numpy.abs(other - expected).max()))
        if not largest <= TOLERANCE:
            raise AssertionError(f"the results differ by {largest:.1e}, more than {TOLERANCE:.0e}")
        return f"results {largest:.1e}"


def in_transformers(case):
    """The directory for transformers: the same results, without a warning, and the pipeline of the task."""
    import transformers

    path = case.export("hf", "hf")
    name = {
        "classifier": "AutoModelForSequenceClassification", "masked": "AutoModelForMaskedLM", "hidden": "AutoModel",
        "pooled": "AutoModel", "translation": "AutoModelForSeq2SeqLM",
    }[case.kind]
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logger = transformers.logging.get_logger("transformers")
    transformers.logging.set_verbosity_warning()
    logger.addHandler(handler)
    options = dict(add_pooling_layer=False) if case.kind == "hidden" else {}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        model, report = getattr(transformers, name).from_pretrained(
            path, output_loading_info=True, dtype=case.torch.float32, **options)
    finally:
        logger.removeHandler(handler)
        transformers.logging.set_verbosity_error()
    if heard:
        raise AssertionError(f"transformers warns: {heard[0]}")
    for what in ["missing_keys", "unexpected_keys", "mismatched_keys"]:
        if report[what]:
            raise AssertionError(f"{what}: {sorted(report[what])[:3]}")
    seen = [case.difference(case.results(model))]
    for text in case.texts:
        if tokenizer(text)["input_ids"] != case.tokenizer(text)["input_ids"]:
            raise AssertionError(f"{text!r} has other ids")
    return ", ".join(seen + pipeline(case, path))


def pipeline(case, path):
    import transformers

    text = case.texts[0]
    if case.kind == "classifier":
        found = transformers.pipeline("text-classification", model=path, top_k=None)([text])[0]
        with case.torch.no_grad():
            logits = case.model(**case.tokenizer(text, return_tensors="pt")).logits[0]
        expected = {case.model.config.id2label[i]: share for i, share in enumerate(logits.softmax(-1).tolist())}
        if any(abs(expected[answer["label"]] - answer["score"]) > 1e-5 for answer in found):
            raise AssertionError(f"the pipeline finds {found}, not {expected}")
        return ["text-classification"]
    if case.kind == "masked":
        found = transformers.pipeline("fill-mask", model=path)([f"the {case.tokenizer.mask_token} is for two"])
        encoded = case.tokenizer(f"the {case.tokenizer.mask_token} is for two", return_tensors="pt")
        with case.torch.no_grad():
            logits = case.model(**encoded).logits[0]
        best = int(logits[encoded["input_ids"][0].tolist().index(case.tokenizer.mask_token_id)].argmax())
        first = found[0] if isinstance(found[0], dict) else found[0][0]
        if first["token"] != best:
            raise AssertionError(f"the pipeline fills in {first['token']}, not {best}")
        return ["fill-mask"]
    if case.kind == "translation":
        # Later versions of transformers have no such pipeline.
        try:
            translate = transformers.pipeline("translation", model=path)
        except KeyError:
            return ["no pipeline"]
        found = translate(text, num_beams=1, max_new_tokens=15)[0]["translation_text"]
        ids = case.model.generate(**case.tokenizer(text, return_tensors="pt"), num_beams=1, max_new_tokens=15)
        expected = case.tokenizer.decode(ids[0], skip_special_tokens=True)
        if found != expected:
            raise AssertionError(f"the pipeline translates {found!r}, not {expected!r}")
        return ["translation"]
    return []


def in_onnxruntime(case):
    """The graph of an encoder, or those of an encoder-decoder token by token."""
    import onnxruntime

    def session(path):
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    if case.kind == "translation":
        return translate(case, session, case.export("onnx", "onnx"))
    graph = session(case.export("onnx", "model.onnx"))
    names = [output.name for output in graph.get_outputs()]
    inputs = {name: value.numpy() for name, value in case.batch.items()}
    return case.difference(dict(zip(names, graph.run(names, inputs))))


def translate(case, session, path):
    encoder, first, rest = (
        session(os.path.join(path, name)) for name in ["encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"])
    mask = case.batch["attention_mask"].numpy()
    hidden = encoder.run(["last_hidden_state"], {"input_ids": case.batch["input_ids"].numpy(), "attention_mask": mask})[0]

    def decode(targets, length, choose):
        """The logits of `length` tokens, each of which `choose` takes from the position and the logits before."""
        past, logits, ids = {}, [], targets[:, :1]
        for position in range(length):
            graph = rest if past else first
            inputs = {"input_ids": ids, "encoder_attention_mask": mask, **past}
            if not past:
                inputs["encoder_hidden_states"] = hidden
            names = [output.name for output in graph.get_outputs()]
            found = dict(zip(names, graph.run(names, inputs)))
            past |= {name.replace("present", "past_key_values"): found[name] for name in names if name != "logits"}
            logits.append(found["logits"])
            ids = choose(position, found["logits"])
        return numpy.concatenate(logits, 1)

    targets = case.targets.numpy()
    length = targets.shape[1]
    logits = decode(targets, length, lambda position, _: targets[:, position + 1 : position + 2])
    seen = case.difference({"logits": logits})
    # Greedy search, as `generate` does it.
    made = []
    def greedy(position, logits):
        made.append(logits[:, -1:].argmax(-1))
        return made[-1]
    decode(targets, 12, greedy)
    ids = numpy.concatenate(made, 1)
    expected = case.model.generate(
        input_ids=case.batch["input_ids"], attention_mask=case.batch["attention_mask"], num_beams=1, do_sample=False,
        max_new_tokens=12, min_new_tokens=12, forced_eos_token_id=None).numpy()[:, 1:]
    end = case.model.config.eos_token_id
    for own, other in zip(ids.tolist(), expected.tolist()):
        stop = own.index(end) if end in own else len(own)
        if own[:stop] != other[:stop]:
            raise AssertionError(f"greedy search finds {own}, not {other}")
    return seen + ", 12 tokens"


def in_torchscript(case):
    path = case.export("torchscript", "model.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch.jit is to go
        model = case.torch.jit.load(path)
    with case.torch.no_grad():
        results = model(case.batch["input_ids"], case.batch["attention_mask"], case.batch["token_type_ids"])
        alone = model(case.batch["input_ids"][:1, :3])
        with_types = model(case.batch["input_ids"][:1, :3], case.torch.ones(1, 3, dtype=case.torch.long))
    if case.kind == "pooled":
        alone, with_types = alone[0], with_types[0]
    if not case.torch.equal(alone, with_types):
        raise AssertionError("the default mask hides tokens")
    if case.kind == "classifier" and model.labels != ["no", "perhaps", "yes"]:
        raise AssertionError(f"the labels are {model.labels}")
    results = results if isinstance(results, tuple) else [results]
    return case.difference(dict(zip(case.expected, [result.numpy() for result in results])))


RUNTIMES = {"transformers": in_transformers, "onnxruntime": in_onnxruntime, "torchscript": in_torchscript}


def check(gpt, work, text, only):
    """Calls of every runtime: yields the name of each, and a function that answers with what was seen."""
    for kind in KINDS:
        names = [f"encoder-{kind} {runtime}" for runtime in RUNTIMES if (kind, runtime) != ("translation", "torchscript")]
        names = [name for name in names if only in name]
        if not names:
            continue
        case = Case(gpt, work, kind, text)
        for name in names:
            yield name, lambda run=RUNTIMES[name.split(" ")[1]]: run(case)
