"""Checks that a server generates the texts of `gpt generate`, whatever else it generates at the same time."""

import concurrent.futures
import json
import math
import struct

PROMPTS = ["ANNA:\n", "The river", "a", "the house under the stone road, and before the winter", "BRAM:\nNever "]

# Fields of requests, and the options of 'gpt generate' with the same meaning.
SETTINGS = [
    ({"temperature": 0}, ["--temperature", "0"]),
    ({"temperature": 1, "seed": 1}, ["--temperature", "1", "--seed", "1"]),
    ({"temperature": 0.8, "top_k": 5, "seed": 2}, ["--temperature", "0.8", "--top-k", "5", "--seed", "2"]),
    ({"temperature": 1.3, "top_p": 0.7, "seed": 3}, ["--temperature", "1.3", "--top-p", "0.7", "--seed", "3"]),
    ({"temperature": 1, "min_p": 0.1, "seed": 4}, ["--temperature", "1", "--min-p", "0.1", "--seed", "4"]),
    (
        {"temperature": 1, "repetition_penalty": 1.3, "seed": 5},
        ["--temperature", "1", "--repetition-penalty", "1.3", "--seed", "5"],
    ),
    ({"temperature": 1, "seed": 6, "stop": ["e "]}, ["--temperature", "1", "--seed", "6", "--stop", "e "]),
]


def generated(models, model, prompt, length, options):
    """The text that 'gpt generate' continues a prompt with."""
    file = models.directory / "prompt.txt"
    file.write_text(prompt, encoding="utf-8")
    output = models.run("generate", model, "--prompt-file", file, "--length", length, *options).decode()
    if not output.startswith(prompt):
        raise RuntimeError("the output of gpt generate does not begin with the prompt")
    return output[len(prompt) :].rstrip("\n")


def check_generate(report, models, server):
    """Compares texts of the server with those of 'gpt generate'."""
    model = models.decoder()
    for fields, options in SETTINGS:
        for prompt in PROMPTS[:2]:
            name = f"the text of gpt generate with {' '.join(options)}, after {prompt!r}"
            with report.guard(name):
                # Longer than the context, so that its first half is dropped on the way.
                length = 200 if prompt == PROMPTS[0] else 24
                expected = generated(models, model, prompt, length, options)
                seen = server.complete(model="decoder", prompt=prompt, max_tokens=length, **fields)
                report.equal(name, seen.rstrip("\n"), expected)
    with report.guard("the message of gpt chat"):
        options = ["--temperature", "1", "--seed", "7", "--length", "30"]
        expected = models.run("chat", models.chat(), *options, text=b"the river sees\n").decode().strip()
        response = server.request(
            "POST",
            "/v1/chat/completions",
            {
                "model": "chat",
                "messages": [{"role": "user", "content": "the river sees"}],
                "seed": 7,
                "max_completion_tokens": 30,
            },
        )
        report.equal("the message of gpt chat", response.json["choices"][0]["message"]["content"].strip(), expected)


def check_alone_and_among_others(report, server, requests=200, at_once=16):
    """Compares the texts of requests that are sent alone with those of the same requests among others."""

    def fields(number):
        return {
            "model": "decoder",
            "prompt": PROMPTS[number % len(PROMPTS)],
            "max_tokens": 1 + number * 7 % 60,
            "seed": number,
            "temperature": (0, 0.7, 1, 1.5)[number % 4],
        }

    def text(number, stream):
        if not stream:
            return server.complete(**fields(number))
        response = server.request("POST", "/v1/completions", fields(number) | {"stream": True})
        return "".join(event["choices"][0]["text"] for event in response.events)

    name = f"{requests} texts that are the same alone and among {at_once} others"
    with report.guard(name):
        alone = [text(number, stream=False) for number in range(requests)]
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            among = list(pool.map(lambda number: text(number, stream=number % 2 == 0), range(requests)))
        wrong = [number for number in range(requests) if alone[number] != among[number]]
        report.check(
            name,
            not wrong,
            f"{len(wrong)} differ; the first is {fields(wrong[0])}: {alone[wrong[0]]!r} alone, {among[wrong[0]]!r}"
            if wrong
            else "",
        )
        report.check("texts that differ for other seeds", len(set(alone)) > requests // 2)


# MARK: Log probabilities


def log_probabilities(models, model, ids):
    """The log probability of each id but the first given those before it, from the logits of 'gpt logits', in double."""
    source, target = models.directory / "ids.json", models.directory / "logits.safetensors"
    source.write_text(json.dumps({"input_ids": [ids]}))
    target.unlink(missing_ok=True)
    models.run("logits", model, "--ids", source, "--out", target)
    data = target.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    entry = json.loads(data[8 : 8 + length])["logits"]
    _, count, size = entry["shape"]
    values = struct.unpack_from(f"<{count * size}f", data, 8 + length + entry["data_offsets"][0])
    result = []
    for position, following in enumerate(ids[1:]):
        row = values[position * size : (position + 1) * size]
        most = max(row)
        result.append(row[following] - most - math.log(math.fsum(math.exp(value - most) for value in row)))
    return result


def check_log_probabilities(report, models, server):
    """Compares the log probabilities of prompts and of generated tokens with the logits of 'gpt logits'."""
    name = "log probabilities that equal those of gpt logits within 1e-5"
    with report.guard(name):
        prompt = "CLARA:\nThe naïve house never sees €5."
        body = {
            "model": "decoder",
            "prompt": prompt,
            "max_tokens": 12,
            "seed": 8,
            "logprobs": 3,
            "echo": True,
            "return_token_ids": True,
        }
        choice = server.request("POST", "/v1/completions", body).json["choices"][0]
        logprobs = choice["logprobs"]
        expected = log_probabilities(models, models.decoder(), logprobs["token_ids"])
        worst = max(abs(a - b) for a, b in zip(logprobs["token_logprobs"][1:], expected, strict=True))
        report.check(name, worst < 1e-5, worst)
        report.check("no log probability of the first token", logprobs["token_logprobs"][0] is None)
        report.check("a text that begins with the prompt", choice["text"].startswith(prompt), choice["text"])
        tops = logprobs["top_logprobs"][1:]
        pairs = zip(logprobs["tokens"][1:], logprobs["token_logprobs"][1:], tops, strict=True)
        report.check(
            "the token itself among the most probable", all(top[token] == value for token, value, top in pairs)
        )
        report.check("at least three most probable tokens", all(len(top) in (3, 4) for top in tops), tops)
        check_offsets(report, choice)
        streamed = server.request("POST", "/v1/completions", body | {"stream": True}).events
        joined = [value for event in streamed for value in event["choices"][0]["logprobs"]["token_logprobs"]]
        report.equal("the same log probabilities in a stream", joined, logprobs["token_logprobs"])
        joined = [value for event in streamed for value in event["choices"][0]["logprobs"]["text_offset"]]
        report.equal("the same offsets in a stream", joined, logprobs["text_offset"])


def check_offsets(report, choice):
    """Whether tokens of whole characters are where the offsets say, of those before the first that is not."""
    text, logprobs = choice["text"], choice["logprobs"]
    wrong = []
    for token, offset in zip(logprobs["tokens"], logprobs["text_offset"], strict=True):
        if not token.startswith("bytes:") and text[offset : offset + len(token)] != token:
            wrong.append((token, offset, text[offset : offset + len(token)]))
    report.check("tokens at their offsets in the text", not wrong, wrong[:3])
