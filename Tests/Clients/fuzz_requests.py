"""Requests for a fuzzer of the server: valid ones, and what makes them invalid."""

import itertools
import json
import random
import re

# MARK: Valid requests

CORPUS = [
    ("GET", "/health", None),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/decoder", None),
    ("GET", "/metrics", None),
    ("GET", "/props", None),
    ("GET", "/training?model=decoder", None),
    ("POST", "/v1/completions", {"model": "decoder", "prompt": "The river", "max_tokens": 4, "seed": 1}),
    (
        "POST",
        "/v1/completions",
        {
            "model": "decoder",
            "prompt": ["a", [1, 2]],
            "max_tokens": 3,
            "n": 2,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ),
    (
        "POST",
        "/v1/completions",
        {
            "model": "decoder",
            "prompt": [1, 2, 3],
            "max_tokens": 3,
            "echo": True,
            "logprobs": 3,
            "stop": ["x", "yz"],
            "temperature": 0.5,
            "top_p": 0.9,
        },
    ),
    (
        "POST",
        "/v1/completions",
        {
            "model": "ngram",
            "prompt": "The",
            "max_tokens": 3,
            "best_of": 2,
            "logit_bias": {"1": 5, "2": -100},
            "echo": True,
            "logprobs": 1,
        },
    ),
    (
        "POST",
        "/v1/chat/completions",
        {
            "model": "chat",
            "messages": [
                {"role": "system", "content": "x"},
                {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            ],
            "max_tokens": 4,
            "logprobs": True,
            "top_logprobs": 2,
        },
    ),
    (
        "POST",
        "/v1/chat/completions",
        {
            "model": "chat",
            "messages": [{"role": "user", "content": "hi"}],
            "max_completion_tokens": 4,
            "stream": True,
            "response_format": {"type": "text"},
        },
    ),
    ("POST", "/v1/embeddings", {"model": "encoder", "input": ["the river", "a"], "encoding_format": "base64"}),
    ("POST", "/v1/embeddings", {"model": "classifier", "input": "the river", "dimensions": 64}),
    ("POST", "/classify", {"model": "classifier", "text": "the river"}),
    ("POST", "/translate", {"model": "translator", "text": "the river", "beams": 2}),
    ("POST", "/tokenize", {"model": "decoder", "content": "The river", "add_special": True, "with_pieces": True}),
    ("POST", "/detokenize", {"model": "encoder", "tokens": [1, 2, 3]}),
]

# MARK: JSON

# What is written for a value: raw text, so that it need not be valid.
# fmt: off
VALUES = [
    "null", "true", "false", "0", "-0", "-1", "1", "2", "0.5", "-0.0", "1e400", "-1e400", "1e-400", "NaN", "Infinity",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "1" + "0" * 400, "0." + "3" * 400, "1.5e", "01", "+1", ".5", "0x10", '""', '"a"',
    '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\x01"', '"\\x"', '"\\u12"', '"unterminated',
    "[]", "{}", "[[]]", "[null]", "[1,]", "{,}", '{"a":1,"a":2}', "[1,2,3]", '["a","b"]', "[-1]", "[999999]", "[1.5]",
    "[2147483648]", '[{"role":"user","content":null}]', '[{"role":7}]', '[{"role":"none","content":"x"}]',
    '{"type":"json_object"}', '{"0":0}', '{"-1":1}', '{"1e3":1}', '{"5":1e9}', '"base64"', '"decoder"', '"encoder"',
    '"ngram"', '"translator"', '"<|endoftext|>"', '"' + "x" * 5000 + '"', '"' + "é" * 3000 + '"',
    '"\u202e\ufeff\u2028"', "[" * 20 + "]" * 20, "[" * 5000 + "]" * 5000, '{"a":' * 3000 + "1" + "}" * 3000,
    "[" + "1," * 5000 + "1]", "[" + '"a",' * 500 + '"a"]', "[[" + "1," * 300 + "1]]",
]
# fmt: on
FIELDS = (
    "model prompt max_tokens n best_of stream stream_options stop seed temperature top_p top_k min_p logprobs top_logprobs echo "
    "logit_bias messages input encoding_format dimensions text beams content tokens add_special with_pieces suffix user tools "
    "tool_choice response_format modalities repetition_penalty frequency_penalty return_token_ids colour __proto__"
).split()
# A large value is valid for these, and the text would be long.
LENGTHS = {"max_tokens", "max_completion_tokens"}


def mutated_json(generator, body):
    """The text of a body, of which some members are replaced, removed, repeated or added."""
    members = [(name, json.dumps(value, ensure_ascii=generator.random() < 0.5)) for name, value in body.items()]
    for _ in range(generator.choice([1, 1, 1, 2, 4])):
        action = generator.randrange(5)
        place = generator.randrange(len(members)) if members else 0
        if action <= 1 and members:
            members[place] = (members[place][0], value_for(generator, members[place][0]))
        elif action == 2 and members:
            del members[place]
        elif action == 3 and members:
            members.insert(place, (members[place][0], value_for(generator, members[place][0])))
        else:
            name = generator.choice(FIELDS)
            members.insert(place, (name, value_for(generator, name)))
    space = generator.choice(["", " ", "\n", "\t", "\r\n  "])
    return "{" + space + ("," + space).join(f'"{name}":{space}{value}' for name, value in members) + space + "}"


def value_for(generator, name):
    while True:
        value = generator.choice(VALUES)
        if not (name in LENGTHS and re.fullmatch(r"\d{3,}|null", value)):
            return value


def mutated_bytes(generator, data):
    """Bytes of which some are changed, removed, added or repeated."""
    data = bytearray(data)
    for _ in range(generator.choice([1, 1, 2, 3, 8])):
        place = generator.randrange(len(data) + 1)
        action = generator.randrange(6)
        if action == 0 and place < len(data):
            data[place] = generator.randrange(256)
        elif action == 1:
            del data[place : place + generator.choice([1, 1, 2, 10, 100])]
        elif action == 2:
            data[place:place] = generator.choice(
                [
                    b"\xff",
                    b"\x00",
                    b"\xc3",
                    b"\xed\xa0\x80",
                    b"\xf5\x80\x80\x80",
                    b"\xef\xbb\xbf",
                    b"{",
                    b'"',
                    b"\\",
                    b"]",
                    b",",
                    b"\r\n",
                    b"-",
                    b".",
                ]
            )
        elif action == 3:
            end = place + generator.randrange(1, 30)
            data[place:place] = data[place:end]
        elif action == 4:
            del data[place:]
        else:
            data[place:place] = bytes(generator.randrange(256) for _ in range(generator.randrange(1, 20)))
    return bytes(data)


# MARK: HTTP

METHODS = [
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "PRI",
    "get",
    "G T",
    "",
    "X" * 300,
    "GÉT",
]
# fmt: off
PATHS = [
    "/", "", "*", "//", "/v1", "/v1/", "/v1/models/", "/v1/models/%00", "/v1/models/../../etc/passwd",
    "/v1/models/%2e%2e/x", "/v1/models/" + "a" * 9000, "/" + "b" * 70000, "/health?", "/health?a=b&a=c&=&&%",
    "/health#x", "/health%", "/h%65alth", "http://127.0.0.1/health", "http://example.com/health", "/training",
    "/training?model=none", "/training?model=%ff", "/training?other=1", "/é", "/health\t", "/health HTTP/1.1 x",
    "/v1/completions?stream=true",
]
# fmt: on
# fmt: off
HEADERS = [
    "Host: example.com", "Host: 127.0.0.1", "Host:", "Host: [::1]:80", "Host: a b", "Origin: http://example.com",
    "Origin: null", "Content-Type: text/plain", "Content-Type:", "Content-Type: application/json; charset=latin1",
    "Content-Length: 0", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999",
    "Content-Length: 5000000", "Content-Length: 1e3", "Content-Length: 3, 3", "Content-Length: +3",
    "Content-Length: 0x3", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip",
    "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: xchunked", "Connection: close", "Connection: keep-alive",
    "Connection: Upgrade\r\nUpgrade: websocket", "Upgrade: h2c", "Expect: 100-continue", "Expect: x",
    "Accept: " + "x" * 9000, "X: " + "y" * 40000, "no colon", ": no name", "A b: c", "A\x00b: c", "A: b\x00c",
    "A: b\x07", " folded: x", "A: x\r\n folded", "Authorization: Bearer \xff", "Authorization: Bearer",
    "Accept-Encoding: gzip", "Range: bytes=0-1", "A: \xe9\xff", "Content-Encoding: gzip",
    "Cookie: " + "; ".join("a=b" for _ in range(500)), "TE: trailers", "Trailer: X",
    "\r\n".join(f"X-{number}: y" for number in range(300)),
]
# fmt: on


def chunked(generator, body):
    """A body in chunks, which may be broken."""
    data = b""
    while body:
        size = generator.randrange(1, 40)
        part, body = body[:size], body[size:]
        length = f"{len(part):x}".encode()
        broken = generator.random() < 0.05
        if broken:
            length = generator.choice(
                [
                    b"",
                    b"-1",
                    b"g",
                    b"0x5",
                    b"ffffffffffffffff",
                    b"fffffffffffffffff",
                    b" 5",
                    length + b" ;x=y",
                    b"00000000000" + length,
                ]
            )
        data += (
            length
            + generator.choice([b"", b"", b";a=b"])
            + b"\r\n"
            + part
            + (b"\n" if generator.random() < 0.02 else b"\r\n")
        )
    end = generator.random()
    if end < 0.8:
        return data + b"0\r\n\r\n"
    return data + generator.choice(
        [b"", b"0\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"00\r\n\r\n", b"0\n\n"]
    )


def request(generator):
    """The bytes of a request, and whether it is one that must get a whole response."""
    method, path, fields = generator.choice(CORPUS)
    body = b"" if fields is None else json.dumps(fields).encode()
    kind = generator.randrange(8)
    if fields is not None and kind <= 3:
        body = mutated_json(generator, fields).encode("utf-8", "surrogatepass")
    elif fields is not None and kind == 4:
        body = mutated_bytes(generator, body)
    headers = ["Host: 127.0.0.1"]
    if fields is not None:
        headers.append("Content-Type: application/json")
    coded = fields is not None and generator.random() < 0.15
    if coded:
        headers.append("Transfer-Encoding: chunked")
    elif fields is not None:
        headers.append(f"Content-Length: {len(body)}")
    payload = chunked(generator, body) if coded else body
    version, is_regular = "HTTP/1.1", not coded
    if kind >= 6:
        is_regular = False
        for _ in range(generator.choice([1, 1, 2, 3])):
            action = generator.randrange(7)
            if action == 0:
                method = generator.choice(METHODS)
            elif action == 1:
                path = generator.choice(PATHS)
            elif action == 2:
                version = generator.choice(
                    [
                        "HTTP/1.0",
                        "HTTP/1.0",
                        "HTTP/1.2",
                        "HTTP/2.0",
                        "HTTP/0.9",
                        "HTTP/",
                        "",
                        "HTTPS/1.1",
                        "HTTP/1.1 ",
                        "http/1.1",
                    ]
                )
            elif action == 3 and headers:
                del headers[generator.randrange(len(headers))]
            elif action == 4 and headers:
                headers.append(generator.choice(headers))
            else:
                headers.insert(generator.randrange(len(headers) + 1), generator.choice(HEADERS))
    end = "\n" if kind >= 6 and generator.random() < 0.05 else "\r\n"
    head = end.join([f"{method} {path} {version}", *headers, "", ""]).encode("latin-1", "replace")
    if kind == 7 and generator.random() < 0.3:
        head = mutated_bytes(generator, head)
    return head + payload, is_regular


def case(seed, number):
    """The bytes of a case, and how many responses there must be at least."""
    generator = random.Random(f"{seed}-{number}")
    if generator.random() < 0.03:
        return bytes(generator.randrange(256) for _ in range(generator.randrange(1, 2000))), 0
    if generator.random() < 0.08:
        parts = [request(generator) for _ in range(generator.randrange(2, 5))]
        regular = list(itertools.takewhile(lambda part: part[1], parts))
        return b"".join(data for data, _ in parts), len(regular)
    data, is_regular = request(generator)
    if generator.random() < 0.05:
        return data[: generator.randrange(1, max(2, len(data)))], 0
    return data, int(is_regular)
