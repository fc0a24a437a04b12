"""Checks of a server with the Python package openai."""

import asyncio
import base64
import struct
import time

import openai

MESSAGES = [{"role": "system", "content": "read"}, {"role": "user", "content": "the river sees"}]


def run(report, models, server):
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=20)
    for check in (
        check_models,
        check_completions,
        check_choices,
        check_stops,
        check_biases,
        check_chat,
        check_async,
        check_embeddings,
        check_abandoned_stream,
        check_refusals,
    ):
        with report.guard(f"openai: {check.__name__}"):
            check(report, client, server)


def completion(client, **fields):
    return client.completions.create(**{"model": "decoder", "prompt": "The", "max_tokens": 20, "seed": 1} | fields)


def check_models(report, client, server):
    ids = [model.id for model in client.models.list()]
    report.equal("openai: the list of models", ids, ["decoder", "chat", "encoder", "classifier", "translator"])
    report.equal("openai: one model", client.models.retrieve("chat").id, "chat")


def check_completions(report, client, server):
    whole = completion(client)
    report.equal("openai: the length of a completion", whole.usage.completion_tokens, 20)
    report.equal("openai: the kind of a completion", (whole.object, whole.model), ("text_completion", "decoder"))
    report.equal("openai: the end of a completion", whole.choices[0].finish_reason, "length")
    report.equal("openai: the same text for a seed", completion(client).choices[0].text, whole.choices[0].text)
    report.check(
        "openai: other texts without a seed", len({completion(client, seed=None).choices[0].text for _ in range(4)}) > 1
    )
    chunks = list(completion(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    report.equal("openai: the text of a stream", text, whole.choices[0].text)
    report.check("openai: several chunks in a stream", len(chunks) > 5, len(chunks))
    ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    report.equal("openai: the end of a stream", ends, ["length"])
    report.equal("openai: the usage of a stream", (chunks[-1].choices, chunks[-1].usage), ([], whole.usage))
    report.check("openai: no usage before the last chunk", all(chunk.usage is None for chunk in chunks[:-1]))
    plain = list(completion(client, stream=True))
    report.check("openai: no usage that was not requested", all(chunk.usage is None for chunk in plain))
    one = completion(client, max_tokens=1)
    report.equal("openai: a completion of one token", one.usage.completion_tokens, 1)
    echo = completion(client, echo=True, max_tokens=0, logprobs=0)
    report.equal("openai: a repeated prompt alone", (echo.choices[0].text, echo.usage.completion_tokens), ("The", 0))
    ids = server.request("POST", "/tokenize", {"model": "decoder", "content": "The"}).json["tokens"]
    report.equal("openai: a prompt of ids", completion(client, prompt=ids).choices[0].text, whole.choices[0].text)
    empty = completion(client, prompt=openai.omit)
    report.equal("openai: a completion without a prompt", empty.usage.completion_tokens, 20)


def check_choices(report, client, server):
    whole = completion(client, prompt=["The", "a"], n=3)
    report.equal("openai: the indices of choices", [choice.index for choice in whole.choices], list(range(6)))
    texts = [choice.text for choice in whole.choices]
    report.check("openai: choices that differ", len(set(texts)) == 6, texts)
    report.equal("openai: the first of several choices", completion(client).choices[0].text, texts[0])
    report.equal(
        "openai: the choices of the second prompt",
        [choice.text for choice in completion(client, prompt="a", n=3).choices],
        texts[3:],
    )
    streamed = [""] * 6
    for chunk in completion(client, prompt=["The", "a"], n=3, stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.text
    report.equal("openai: the choices of a stream", streamed, texts)
    report.equal("openai: the usage of choices", whole.usage.completion_tokens, 120)
    five = completion(client, n=5, logprobs=0)
    means = [sum(choice.logprobs.token_logprobs) / len(choice.logprobs.token_logprobs) for choice in five.choices]
    order = sorted(range(5), key=lambda index: -means[index])
    best = completion(client, n=2, best_of=5)
    report.equal(
        "openai: the best of several",
        [choice.text for choice in best.choices],
        [five.choices[index].text for index in order[:2]],
    )
    report.equal("openai: the usage of the best of several", best.usage.completion_tokens, 100)


def check_stops(report, client, server):
    whole = completion(client, max_tokens=60).choices[0].text
    for start, length in [(3, 1), (8, 2), (12, 5), (0, 1)]:
        stop = whole[start : start + length]
        expected = whole[: whole.index(stop)]
        ended = completion(client, max_tokens=60, stop=["\x00 never", stop]).choices[0]
        report.equal(f"openai: a text before {stop!r}", (ended.text, ended.finish_reason), (expected, "stop"))
        chunks = [chunk.choices[0] for chunk in completion(client, max_tokens=60, stop=stop, stream=True)]
        report.equal(
            f"openai: a stream before {stop!r}",
            ("".join(c.text for c in chunks), chunks[-1].finish_reason),
            (expected, "stop"),
        )


def check_biases(report, client, server):
    tokens = server.request("POST", "/tokenize", {"model": "decoder", "content": "x"}).json["tokens"]
    forced = completion(client, logit_bias={str(tokens[0]): 100}, max_tokens=5).choices[0].text
    report.equal("openai: a token that is enforced", forced, "xxxxx")
    greedy = completion(client, temperature=0, max_tokens=1, logprobs=1, extra_body={"return_token_ids": True})
    first = greedy.choices[0].logprobs.token_ids[0]
    other = completion(
        client,
        temperature=0,
        max_tokens=1,
        logprobs=1,
        logit_bias={str(first): -100},
        extra_body={"return_token_ids": True},
    )
    report.check("openai: a token that is excluded", other.choices[0].logprobs.token_ids[0] != first)


def chat(client, **fields):
    return client.chat.completions.create(
        **{"model": "chat", "messages": MESSAGES, "max_tokens": 20, "seed": 1} | fields
    )


def check_chat(report, client, server):
    whole = chat(client, logprobs=True, top_logprobs=2)
    choice = whole.choices[0]
    report.equal("openai: the kind of a message", (whole.object, choice.message.role), ("chat.completion", "assistant"))
    tokens = choice.logprobs.content
    report.equal("openai: the log probabilities of a message", len(tokens), whole.usage.completion_tokens)
    report.check("openai: the most probable tokens of a message", all(len(token.top_logprobs) == 2 for token in tokens))
    joined = bytes(byte for token in tokens for byte in token.bytes).decode(errors="replace")
    report.check(
        "openai: the bytes of a message",
        joined.startswith(choice.message.content[:5]),
        (joined, choice.message.content),
    )
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    report.equal("openai: the role in a stream", deltas[0].role, "assistant")
    report.equal(
        "openai: the text of a streamed message",
        "".join(delta.content or "" for delta in deltas),
        choice.message.content,
    )
    report.equal("openai: the usage of a streamed message", (chunks[-1].choices, chunks[-1].usage), ([], whole.usage))
    newer = chat(client, max_tokens=None, max_completion_tokens=20)
    report.equal("openai: max_completion_tokens", newer.choices[0].message.content, choice.message.content)
    parts = [
        {"role": "system", "content": "read"},
        {"role": "user", "content": [{"type": "text", "text": "the river "}, {"type": "text", "text": "sees"}]},
    ]
    report.equal(
        "openai: a message in parts", chat(client, messages=parts).choices[0].message.content, choice.message.content
    )
    several = chat(client, n=3).choices
    report.equal("openai: the first of several messages", several[0].message.content, choice.message.content)
    with client.chat.completions.stream(model="chat", messages=MESSAGES, max_tokens=20, seed=1) as stream:
        final = stream.get_final_completion()
    report.equal("openai: the final message of a stream", final.choices[0].message.content, choice.message.content)
    unlimited = chat(client, max_tokens=None)
    report.check(
        "openai: a message without a limit ends in the context", unlimited.usage.total_tokens <= 257, unlimited.usage
    )


def check_async(report, client, server):
    async def several():
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=20) as remote:

            async def streamed(seed):
                text = ""
                async for chunk in await remote.completions.create(
                    model="decoder", prompt="The", max_tokens=30, seed=seed, stream=True
                ):
                    text += chunk.choices[0].text
                return text

            return await asyncio.gather(*[streamed(seed) for seed in range(12)])

    expected = [completion(client, seed=seed, max_tokens=30).choices[0].text for seed in range(12)]
    report.equal("openai: asynchronous streams", asyncio.run(several()), expected)


def check_embeddings(report, client, server):
    texts = ["the river sees", "a house", "the river sees"]
    floats = client.embeddings.create(model="encoder", input=texts, encoding_format="float")
    vectors = [row.embedding for row in floats.data]
    coded = client.embeddings.create(model="encoder", input=texts, encoding_format="base64")
    decoded = []
    for row in coded.data:
        data = base64.b64decode(row.embedding, validate=True)
        decoded.append(list(struct.unpack(f"<{len(data) // 4}f", data)))
    rounded = [[struct.unpack("<f", struct.pack("<f", value))[0] for value in vector] for vector in vectors]
    report.equal("openai: embeddings in base64", decoded, rounded)
    report.equal(
        "openai: the embedding of a text is that among others",
        client.embeddings.create(model="encoder", input=texts[1]).data[0].embedding,
        decoded[1],
    )
    report.equal("openai: the same embedding of the same text", vectors[0], vectors[2])
    report.check("openai: other embeddings of other texts", vectors[0] != vectors[1])
    report.equal("openai: the indices of embeddings", [row.index for row in floats.data], [0, 1, 2])
    report.check("openai: the usage of embeddings", floats.usage.prompt_tokens > 6, floats.usage)


def check_abandoned_stream(report, client, server):
    stream = completion(client, stream=True, max_tokens=1_000_000)
    next(iter(stream))
    stream.close()
    start = time.monotonic()
    report.check("openai: a stream that is closed ends in the server", server.is_idle(5))
    report.note(f"it ended after {1000 * (time.monotonic() - start):.0f} ms")


def refusals(client):
    """What is refused: a name, a call, the class of the exception, the status, and the field."""
    bad = openai.BadRequestError
    long = "the river " * 400
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
    tool = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    cases = [
        (fields, lambda fields=fields: completion(client, **fields), bad, 400, parameter)
        for fields, parameter in [
            ({"max_tokens": 0}, "max_tokens"),
            ({"max_tokens": -1}, "max_tokens"),
            ({"temperature": -1}, "temperature"),
            ({"temperature": "warm"}, "temperature"),
            ({"top_p": 2}, "top_p"),
            ({"top_p": 0}, "top_p"),
            ({"n": 0}, "n"),
            ({"n": 1000}, "n"),
            ({"n": 3, "best_of": 2}, "best_of"),
            ({"best_of": 2, "stream": True}, "best_of"),
            ({"stop": ""}, "stop"),
            ({"stop": ["a"] * 17}, "stop"),
            ({"logprobs": 50}, "logprobs"),
            ({"logit_bias": {"999999": 1}}, "logit_bias"),
            ({"logit_bias": {"1": 1000}}, "logit_bias"),
            ({"seed": 1.5}, "seed"),
            ({"frequency_penalty": 1}, "frequency_penalty"),
            ({"suffix": "x"}, "suffix"),
            ({"stream_options": {"include_usage": True}}, "stream_options"),
            ({"extra_body": {"colour": 1}}, "colour"),
            ({"extra_body": {"min_p": 2}}, "min_p"),
            ({"extra_body": {"top_k": -2}}, "top_k"),
            ({"prompt": []}, "prompt"),
            ({"prompt": [1, 999999]}, "prompt"),
            ({"prompt": [[1], []]}, "prompt"),
            ({"prompt": {"a": 1}}, "prompt"),
            ({"prompt": long}, "prompt"),
            ({"model": "encoder"}, "model"),
        ]
    ]
    cases += [
        (fields, lambda fields=fields: chat(client, **fields), bad, 400, parameter)
        for fields, parameter in [
            ({"messages": []}, "messages"),
            ({"messages": [1]}, "messages"),
            ({"messages": image}, "messages"),
            ({"messages": [{"role": "user", "content": long}]}, "messages"),
            ({"tools": tool}, "tools"),
            ({"response_format": {"type": "json_object"}}, "response_format"),
            ({"top_logprobs": 2}, "top_logprobs"),
            ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
            ({"model": "decoder"}, "model"),
        ]
    ]
    embed = client.embeddings.create
    cases += [
        ("embeddings of a decoder", lambda: embed(model="decoder", input="a"), bad, 400, "model"),
        ("embeddings of no texts", lambda: embed(model="encoder", input=[]), bad, 400, "input"),
        ("embeddings of ids", lambda: embed(model="encoder", input=[[1]]), bad, 400, "input"),
        ("other dimensions", lambda: embed(model="encoder", input="a", dimensions=3), bad, 400, "dimensions"),
        ("an unknown model", lambda: completion(client, model="none"), openai.NotFoundError, 404, "model"),
        ("no such model", lambda: client.models.retrieve("none"), openai.NotFoundError, 404, "model"),
        ("an unknown path", lambda: client.get("/none", cast_to=object), openai.NotFoundError, 404, None),
        ("a wrong method", lambda: client.get("/completions", cast_to=object), openai.APIStatusError, 405, None),
        (
            "a body that is too large",
            lambda: completion(client, prompt="a" * (5 << 20)),
            openai.APIStatusError,
            413,
            None,
        ),
        (
            "another type",
            lambda: completion(client, extra_headers={"Content-Type": "text/plain"}),
            openai.APIStatusError,
            415,
            None,
        ),
    ]
    return cases


def check_refusals(report, client, server):
    for name, call, kind, status, parameter in refusals(client):
        check_refusal(report, name, call, kind, status, parameter)
    with report.guard("openai: a key"):
        check_key(report, server)
    with report.guard("openai: a busy server"):
        check_busy(report, server)


def check_refusal(report, name, call, kind, status, parameter):
    """Checks the exception of a request that must be refused."""
    name = f"openai: refuses {str(name)[:70]}"
    try:
        seen = call()
    except openai.APIStatusError as error:
        members = error.body if isinstance(error.body, dict) else {}
        holds = type(error) is kind and error.status_code == status and members.get("param") == parameter
        holds = holds and bool(members.get("message")) and "\n" not in members["message"]
        detail = f"{type(error).__name__} {error.status_code} {error.body}, not {kind.__name__} {status} of {parameter}"
        report.check(name, holds, detail)
    except Exception as error:
        report.check(name, False, f"{type(error).__name__}: {error}, not {kind.__name__} {status}")
    else:
        report.check(name, False, f"accepted: {seen}")


def check_key(report, server):
    """Checks a server that requires a key."""
    with server.another(models=["decoder"], environment={"GPT_API_KEY": "key of a test"}) as guarded:

        def client(key):
            return openai.OpenAI(base_url=guarded.url + "/v1", api_key=key, max_retries=0, timeout=20)

        report.check("openai: the key is accepted", completion(client("key of a test")).choices[0].text)
        for key in ("another key", "key of a tesu", "KEY OF A TEST"):
            check_refusal(
                report,
                f"the key {key!r}",
                lambda key=key: client(key).models.list(),
                openai.AuthenticationError,
                401,
                None,
            )


def check_busy(report, server):
    """Checks a server that generates one text at a time and has no queue."""
    with server.another(models=["decoder"], options=["--max-concurrent", "1", "--max-waiting", "0"]) as small:

        def client(retries):
            return openai.OpenAI(base_url=small.url + "/v1", api_key="none", max_retries=retries, timeout=20)

        stream = completion(client(0), stream=True, max_tokens=1_000_000)
        next(iter(stream))
        check_refusal(
            report, "a text beyond the limit", lambda: completion(client(0)), openai.RateLimitError, 429, None
        )
        check_refusal(
            report,
            "a stream beyond the limit",
            lambda: completion(client(0), stream=True),
            openai.RateLimitError,
            429,
            None,
        )
        stream.close()
        report.check("openai: a text after the limit", completion(client(5)).choices[0].text)
