"""Makes small models as others publish them, for check_published.py.

Each model is a directory in the form of Hugging Face's transformers with traits that published models have: more rows than
tokens, a classifier that the configuration does not mention, ends of a text in one file or another, and so on. A vocabulary is
learned from the text below, and the weights are trained for a few steps, so that the model ends most texts.

Needs torch, transformers, tokenizers and safetensors.
"""

import json
import os
import random

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import decoders, normalizers, pre_tokenizers, processors

CONTEXT = 160
WORDS = (
    "the kettle sings while rain falls on the old tin roof and nobody minds it's we'll don't they've I'm you'd 1 23 456 7890 "
    "Über naïve café Привет 日本 の 茶 😀 e\u0301 under_score a+b=c [1, 2] {3} “quote” — fine! why? yes; no: CamelCase\n \n\n\t"
).split(" ")
# The patterns that published tokenizers split texts by, before ByteLevel.
SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
ONE_SIGN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACE
PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": ONE_SIGN % r"\p{N}{1,3}",
    "qwen2": ONE_SIGN % r"\p{N}",
}
CHAT = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|turn|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
# The choices for each trait. Every family has each of them about equally often, in a mix that the seed decides.
TRAITS = {
    "rows": ["exact", "multiple of 64", "multiple of 128"],
    "head": ["tied", "tied, equal in the file", "tied, another in the file", "own"],
    "eos": [
        "config", "list in config", "generation", "list in generation", "both, different", "both, list in generation",
        "tokenizer_config", "generation without eos", "null",
    ],
    "bos": ["none", "template", "template in sequence", "add_bos_token", "add_bos_token false over template"],
    "chat": ["none", "tokenizer_config", "chat_template.jinja", "named list", "chat_template.jinja and another"],
    "pattern": ["bytelevel", "gpt2", "llama3", "qwen2"],
    "nfc": [False, True],
    "ignore_merges": [False, True],
    "added": ["special", "and not special", "and stripping spaces", "beyond the vocabulary"],
    "listed": ["nowhere", "additional_special_tokens", "extra_special_tokens", "special_tokens_map.json", "added_tokens_decoder"],
    "class": ["PreTrainedTokenizerFast", "PreTrainedTokenizerFast", "of the family"],
    "dtype": ["float32", "bfloat16", "float16"],
    "shards": [1, 1, 3],
    "buffers": [False, True],
    "bare": [True, True, False],
    "scaling": ["none", "llama3", "llama3 of another context", "linear"],
    "rope": ["rope_parameters", "rope_scaling", "rope_scaling with type"],
    "sizes": ["all", "left out"],
    "biases": [False, False, True],
}
SPECIAL = ["<|begin|>", "<|finish|>", "<|start|>", "<|turn|>", "<|pad|>"]
FAMILY_CLASS = {"gpt2": (None, "bytelevel"), "llama": ("PreTrainedTokenizerFast", None), "qwen3": ("Qwen2Tokenizer", "qwen2")}


def traits(family, number, seed):
    """The traits of each of a number of models of a family."""
    generator = random.Random(f"{family} {seed}")
    columns = {}
    for trait, choices in TRAITS.items():
        column = []
        while len(column) < number:
            column += generator.sample(choices, len(choices))
        columns[trait] = column[:number]
    models = [{trait: column[index] for trait, column in columns.items()} for index in range(number)]
    is_former = int(transformers.__version__.split(".")[0]) < 5
    for model in models:
        if is_former:  # it ties the classifier whatever the file has, and does not know rope_parameters
            model["head"] = model["head"].replace("tied, another in the file", "own")
            model["rope"] = model["rope"].replace("rope_parameters", "rope_scaling")
        # Names are bare where a model was saved without its classifier.
        model["bare"] = model["bare"] and model["head"] == "tied"
        if family == "gpt2":
            del model["scaling"], model["rope"], model["sizes"], model["biases"]
        if family == "qwen3":
            del model["sizes"]
        if model["class"] == "of the family":
            # transformers 5 makes the steps of such a tokenizer itself, whatever the file says.
            model["pattern"] = FAMILY_CLASS[family][1] or model["pattern"]
            model["nfc"], model["ignore_merges"] = family == "qwen3", False
            if family != "llama" and model["bos"].startswith("template"):
                model["bos"] = "none"
    return models


def lines(generator, number):
    return [" ".join(generator.choice(WORDS) for _ in range(generator.randint(3, 9))) for _ in range(number)]


def make_tokenizer(model, directory):
    """Writes tokenizer.json; answers with the tokenizer."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(ignore_merges=model["ignore_merges"]))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=model["pattern"] == "bytelevel")
    if model["pattern"] == "bytelevel":
        tokenizer.pre_tokenizer = byte_level
    else:
        split = pre_tokenizers.Split(tokenizers.Regex(PATTERNS[model["pattern"]]), behavior="isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    if model["nfc"]:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    beyond = model["added"] == "beyond the vocabulary"
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[] if beyond else SPECIAL)
    tokenizer.train_from_iterator(lines(random.Random(1), 400), trainer)
    tokenizer.add_special_tokens(SPECIAL)
    if model["added"] == "and not special":
        tokenizer.add_tokens([tokenizers.AddedToken("<think>", normalized=False), tokenizers.AddedToken("old tin", normalized=True)])
    if model["added"] == "and stripping spaces":
        tokenizer.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True, rstrip=True, normalized=False)])
    template = processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A <|begin|> $B", special_tokens=[("<|begin|>", tokenizer.token_to_id("<|begin|>"))])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if model["bos"] in ["template", "add_bos_token false over template"]:
        tokenizer.post_processor = template
    if model["bos"] == "template in sequence":
        tokenizer.post_processor = processors.Sequence([tokenizer.post_processor, template])
    tokenizer.save(os.path.join(directory, "tokenizer.json"))
    return tokenizer


def tokenizer_configuration(family, model, tokenizer):
    name = "PreTrainedTokenizerFast" if model["class"] != "of the family" else FAMILY_CLASS[family][0]
    object = {
        "bos_token": "<|begin|>", "eos_token": "<|finish|>", "pad_token": "<|pad|>", "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
    }
    if name:
        object["tokenizer_class"] = name
    if model["bos"].startswith("add_bos_token"):
        object["add_bos_token"] = model["bos"] == "add_bos_token"
    if model["chat"] == "tokenizer_config":
        object["chat_template"] = CHAT
    if model["chat"] == "named list":
        object["chat_template"] = [{"name": "tool_use", "template": "{{ messages }}"}, {"name": "default", "template": CHAT}]
    if model["listed"] == "additional_special_tokens":
        object["additional_special_tokens"] = ["<|start|>", "<|turn|>"]
    if model["listed"] == "extra_special_tokens":
        object["extra_special_tokens"] = {"turn_token": "<|turn|>"}
    if model["listed"] == "added_tokens_decoder":
        object["added_tokens_decoder"] = {
            str(token): {key: getattr(added, key) for key in ["content", "lstrip", "normalized", "rstrip", "single_word", "special"]}
            for token, added in tokenizer.get_added_tokens_decoder().items()}
        for key in ["bos_token", "eos_token"]:
            object[key] = {"__type": "AddedToken", "content": object[key], "lstrip": False, "normalized": False,
                           "rstrip": False, "single_word": False}
    return object


def ends(model, end, turn):
    """The ends in config.json and in generation_config.json, None for no such key, and those that count."""
    return {
        "config": (end, None, [end]), "list in config": ([end, turn], None, [end, turn]),
        "generation": (None, turn, [turn]), "list in generation": (None, [end, turn], [end, turn]),
        "both, different": (end, turn, [turn]), "both, list in generation": (end, [turn, end], [turn, end]),
        "tokenizer_config": (None, None, [end]), "generation without eos": (end, None, [end]), "null": (None, None, []),
    }[model["eos"]]


def configuration(family, model, rows, tokenizer):
    """The members of config.json, with those that only other programs use."""
    sizes = {
        "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT, "n_ctx": CONTEXT, "resid_pdrop": 0.1,
                 "summary_type": "cls_index", "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}},
    }.get(family, {
        "hidden_size": 32, "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 8, "max_position_embeddings": CONTEXT, "hidden_act": "silu", "rms_norm_eps": 1e-5, "attention_dropout": 0.1,
        "pretraining_tp": 1,
    })
    object = {"model_type": family, "vocab_size": rows, "tie_word_embeddings": model["head"] != "own", "use_cache": True,
              "initializer_range": 0.05, "torch_dtype": model["dtype"], "transformers_version": "4.40.0", **sizes,
              "architectures": [{"gpt2": "GPT2LMHeadModel", "llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}[family]]}
    if family == "gpt2" and model["head"] != "own":
        del object["tie_word_embeddings"]
    if model.get("sizes") == "left out":  # then they follow from others
        del object["head_dim"], object["num_key_value_heads"]
    if model.get("biases"):
        object["attention_bias"] = True
        if family == "llama":
            object["mlp_bias"] = True
    object["bos_token_id"] = tokenizer.token_to_id("<|begin|>")
    if family != "gpt2":
        scaling = {
            "none": None, "linear": {"rope_type": "linear", "factor": 2.0},
            "llama3": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                       "original_max_position_embeddings": 8192},
            "llama3 of another context": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                          "original_max_position_embeddings": 64},
        }[model["scaling"]]
        base = 500000.0 if model["scaling"] == "llama3" else 5000.0
        if model["rope"] == "rope_parameters":
            object["rope_parameters"] = {"rope_theta": base, **(scaling or {"rope_type": "default"})}
        else:
            if scaling and model["rope"] == "rope_scaling with type":
                scaling["type"] = scaling.pop("rope_type")
            object["rope_theta"], object["rope_scaling"] = base, scaling
    return object


def train(network, tokenizer, stops, steps):
    """Trains on a few lines, which it learns by heart. They end with one of `stops`."""
    generator = random.Random(2)
    known = [f"the kettle {lines(generator, 1)[0]}", "rain falls on the old tin roof and nobody minds", *lines(generator, 8)]
    texts = [
        tokenizer.encode(line, add_special_tokens=False).ids + [stops[index % len(stops)]] for index, line in enumerate(known)]
    begin = tokenizer.token_to_id("<|begin|>")
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(steps):
        batch = []
        for _ in range(8):
            row = [begin]
            while len(row) < 48:
                row += generator.choice(texts)
            batch.append(row[:48])
        ids = torch.tensor(batch)
        loss = network(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def buffers(family, network):
    """Tensors that earlier versions of transformers stored beside the weights."""
    found = {}
    for layer in range(2):
        if family == "gpt2":
            found[f"transformer.h.{layer}.attn.bias"] = torch.tril(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool))[None, None].clone()
            found[f"transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
        else:
            found[f"model.layers.{layer}.self_attn.rotary_emb.inv_freq"] = network.model.rotary_emb.inv_freq.clone()
    return found


def write_weights(tensors, shards, directory):
    if shards == 1:
        save_file(tensors, os.path.join(directory, "model.safetensors"), metadata={"format": "pt"})
        return
    places = {}
    for index in range(shards):
        name = f"model-{index + 1:05}-of-{shards:05}.safetensors"
        part = dict(list(tensors.items())[index::shards])
        save_file(part, os.path.join(directory, name), metadata={"format": "pt"})
        places.update({key: name for key in part})
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    write(directory, "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": places})


def write(directory, name, value):
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def make(family, model, directory, seed, steps=60):
    """Writes a model; answers with the ids that end its texts."""
    os.makedirs(directory)
    torch.manual_seed(seed)
    tokenizer = make_tokenizer(model, directory)
    size = tokenizer.get_vocab_size()
    multiple = {"exact": 1, "multiple of 64": 64, "multiple of 128": 128}[model["rows"]]
    rows = -(-size // multiple) * multiple
    end, turn = tokenizer.token_to_id("<|finish|>"), tokenizer.token_to_id("<|turn|>")
    in_configuration, in_generation, stops = ends(model, end, turn)
    object = configuration(family, model, rows, tokenizer)
    object["eos_token_id"] = in_configuration

    known = transformers.AutoConfig.for_model(**{key: value for key, value in object.items() if key != "torch_dtype"})
    known.tie_word_embeddings = model["head"].startswith("tied")
    network = transformers.AutoModelForCausalLM.from_config(known, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() == 1:  # so that a missing one shows
                parameter.add_(torch.randn_like(parameter) * 0.1)
    train(network, tokenizer, stops or [end], steps)
    dtype = getattr(torch, model["dtype"])
    tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items() if name != "lm_head.weight"}
    embedding = tensors["transformer.wte.weight" if family == "gpt2" else "model.embed_tokens.weight"]
    if model["head"] == "own":
        tensors["lm_head.weight"] = network.lm_head.weight.detach().clone()
    elif model["head"] == "tied, equal in the file":
        tensors["lm_head.weight"] = embedding.clone()
    elif model["head"] == "tied, another in the file":
        tensors["lm_head.weight"] = embedding + 0.1 * torch.randn_like(embedding)
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    if model["buffers"]:
        tensors.update(buffers(family, network))
    if model["bare"]:
        tensors = {name.removeprefix("transformer.").removeprefix("model."): tensor for name, tensor in tensors.items()}
    write_weights(tensors, model["shards"], directory)

    if object["eos_token_id"] is None:
        del object["eos_token_id"]
        if model["eos"] == "null":
            object["eos_token_id"] = None
    write(directory, "config.json", object)
    generation = {"_from_model_config": True, "bos_token_id": object["bos_token_id"], "do_sample": True, "top_p": 0.9,
                  "pad_token_id": tokenizer.token_to_id("<|pad|>"), "transformers_version": "4.40.0"}
    if in_generation is not None:
        generation["eos_token_id"] = in_generation
    if in_generation is not None or model["eos"] == "generation without eos":
        write(directory, "generation_config.json", generation)
    write(directory, "tokenizer_config.json", tokenizer_configuration(family, model, tokenizer))
    if model["chat"].startswith("chat_template.jinja"):
        write(directory, "chat_template.jinja", CHAT)
    if model["chat"].endswith("and another"):
        os.makedirs(os.path.join(directory, "additional_chat_templates"))
        write(directory, "additional_chat_templates/tool_use.jinja", "{{ messages }}")
    if model["listed"] == "special_tokens_map.json":
        write(directory, "special_tokens_map.json", {
            "bos_token": "<|begin|>", "eos_token": {"content": "<|finish|>", "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False}, "pad_token": "<|pad|>", "additional_special_tokens": ["<|turn|>"]})
    return stops
