"""Reads the responses of a server strictly, and judges whether they are as the API promises."""

import json
import re

STATUSES = {200, 204, 400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 417, 429, 431, 501, 505}


class Invalid(Exception):
    """What is wrong with a response."""


def parse(data, is_ended):
    """The responses in some bytes, as pairs of a status and a body, and whether the last of them is whole."""
    responses = []
    while data:
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            return responses, False
        lines = head.split(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) [ -~]*", lines[0])
        if not match:
            raise Invalid(f"the status line is {lines[0][:80]!r}")
        status, headers = int(match[1]), {}
        for line in lines[1:]:
            field = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)", line)
            if not field:
                raise Invalid(f"a header is {line[:80]!r}")
            name = field[1].lower().decode()
            if name in headers and name in ("content-length", "transfer-encoding", "content-type"):
                raise Invalid(f"two headers {name}")
            headers[name] = field[2].decode("latin-1")
        if status == 100:
            data = rest
            continue
        if "content-length" in headers and "transfer-encoding" in headers:
            raise Invalid("both Content-Length and Transfer-Encoding")
        if "content-length" in headers:
            size = int(headers["content-length"])
            # A response to HEAD has no body; the next one or the end follows.
            if len(rest) < size:
                if rest.startswith(b"HTTP/1.") or (not rest and is_ended):
                    responses.append((status, headers, None))
                    data = rest
                    continue
                return responses, False
            if size and rest.startswith(b"HTTP/1."):
                body, data = None, rest
            else:
                body, data = rest[:size], rest[size:]
        elif headers.get("transfer-encoding") == "chunked":
            body, data = dechunk(rest)
            if body is None:
                return responses, False
        elif status == 204:
            body, data = b"", rest
        elif is_ended:
            body, data = rest, b""
        else:
            return responses, False
        responses.append((status, headers, body))
    return responses, True


def dechunk(data):
    """A body in chunks, and what follows; nil where it is not whole."""
    body = b""
    while True:
        line, separator, data = data.partition(b"\r\n")
        if not separator:
            return None, b""
        if not re.fullmatch(rb"[0-9a-fA-F]+", line):
            raise Invalid(f"a chunk begins with {line[:40]!r}")
        size = int(line, 16)
        if len(data) < size + 2:
            return None, b""
        if data[size : size + 2] != b"\r\n":
            raise Invalid("a chunk does not end with a new line")
        body, data = body + data[:size], data[size + 2 :]
        if size == 0:
            return body, data


def judge(status, headers, body):
    """Raises `Invalid` if a response is not as the API promises."""
    if status not in STATUSES:
        raise Invalid(f"the status is {status}: {(body or b'')[:300]!r}")
    if body is None:
        return
    kind = headers.get("content-type", "")
    # What is no HTTP is refused by the transport, which closes the connection and gives no reason.
    if status == 400 and not body and headers.get("connection") == "close":
        return
    if status >= 400:
        try:
            error = json.loads(body.decode())["error"]
        except Exception:
            raise Invalid(f"the body of status {status} is no error: {body[:80]!r}") from None
        holds = isinstance(error["message"], str) and error["message"] and isinstance(error["type"], str)
        if not holds or not {"param", "code"} <= set(error) or "\n" in error["message"] or len(error["message"]) > 2000:
            raise Invalid(f"the error of status {status} is {str(error)[:300]}")
    elif kind.startswith("application/json"):
        json.loads(body.decode(), parse_constant=refuse_constant)
    elif kind.startswith("text/event-stream"):
        events = body.decode().split("\n\n")
        if events[-2:] != ["data: [DONE]", ""] and '"error"' not in events[-2]:
            raise Invalid(f"a stream ends with {events[-2:]}")
        for event in events[:-2]:
            if not event.startswith("data: "):
                raise Invalid(f"an event is {event[:80]!r}")
            json.loads(event[6:], parse_constant=refuse_constant)


def refuse_constant(name):
    raise Invalid(f"JSON with {name}")
