#!/usr/bin/env python3
"""Sends a server of models requests that are mutated, broken or random.

    python fuzz_server.py --gpt PATH --serve PATH --seconds 60 --seed 1

It makes small models and serves them on a free port of this machine. After every request the server must answer or close the
connection in time, each response must be valid HTTP with a status of the list, and the body of each error must be JSON as in
OpenAI's API. At the end the server must be healthy and give the same text as before. A failure is printed with the seed and
the number of its case; --case NUMBER sends that case alone. It needs the standard library only.
"""

import argparse
import itertools
import random
import re
import socket
import sys
import threading
import time

from fuzz_requests import case
from fuzz_responses import Invalid, judge, parse
from serving import Models, Report, Server, free_directory

# MARK: Connections


class Fuzzer:
    """Sends cases on several threads."""

    def __init__(self, server, seed, limit):
        self.server = server
        self.seed = seed
        self.limit = limit
        self.numbers = itertools.count(1)
        self.sent = 0
        self.responses = {}
        self.failures = {}
        self.lock = threading.Lock()

    def run(self, until):
        while time.monotonic() < until and self.server.is_running and len(self.failures) < 20:
            with self.lock:
                number = next(self.numbers)
            self.send(number)

    def send(self, number):
        """Sends a case, and keeps what is wrong with the answer."""
        data = b""
        try:
            data, least = case(self.seed, number)
            responses = self.exchange(data, least)
            if len(responses) < least:
                raise Invalid(f"{len(responses)} responses to {least} requests")
        except Exception as error:
            # One example of each failure. A case that cannot be made is one too: its thread must not end unnoticed.
            text = str(error) if isinstance(error, Invalid) else f"{type(error).__name__}: {error}"
            kind = re.sub(r"\d+", "N", text)[:60]
            with self.lock:
                self.failures.setdefault(kind, (number, text, data))
            return
        with self.lock:
            self.sent += 1
            for status, _, _ in responses:
                self.responses[status] = self.responses.get(status, 0) + 1

    def exchange(self, data, least):
        """The responses to some bytes. After them the client closes its side, and then the server must close its own."""
        try:
            connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=self.limit)
        except OSError as error:
            raise Invalid(f"no connection: {error}") from None
        received, closes = b"", False
        with connection:
            end = time.monotonic() + self.limit
            try:
                connection.sendall(data)
            except (ConnectionResetError, BrokenPipeError):
                pass
            except TimeoutError:
                raise Invalid("the server reads no further") from None
            while True:
                responses, is_whole = parse(received, closes)
                if closes or (least and is_whole and len(responses) >= least and received):
                    break
                # A request that may be incomplete is ended, so that the server need not wait for more. A complete one is
                # not: the server drops the text of a client that closes its side.
                patience = self.limit if least else 0.3
                connection.settimeout(max(0.01, min(patience, end - time.monotonic())))
                try:
                    part = connection.recv(1 << 16)
                    closes = not part
                    received += part
                except TimeoutError:
                    if time.monotonic() >= end:
                        # A response to HEAD has no body, so its end cannot be seen.
                        if received and b"HEAD " in data:
                            break
                        state = "a part of a response" if received and not is_whole else "no response"
                        raise Invalid(f"{state} and no end within {self.limit} s") from None
                    try:
                        connection.shutdown(socket.SHUT_WR)
                    except OSError:
                        closes = True
                except OSError:
                    closes = True
        responses, is_whole = parse(received, closes)
        if received and not is_whole and closes and least:
            raise Invalid(f"a response is broken off: {received[-200:]!r}")
        for response in responses:
            judge(*response)
        return responses


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gpt", required=True, help="the program gpt")
    parser.add_argument("--serve", required=True, help="the program gpt-serve")
    parser.add_argument("--models", help="a directory for the models, which are made if they are not there yet")
    parser.add_argument("--seconds", type=float, default=60, help="how long requests are sent")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="the seed of the requests")
    parser.add_argument("--case", type=int, help="send this case only, and print it with the answer")
    parser.add_argument("--threads", type=int, default=8, help="connections at the same time")
    parser.add_argument(
        "--limit", type=float, default=10, help="seconds in which a connection must be answered or closed"
    )
    return parser.parse_args()


def show(data):
    return repr(data if len(data) <= 1500 else data[:1000] + b" ... " + data[-200:])


def main():
    options = arguments()
    report = Report()
    report.note(f"seed {options.seed}")
    directory, temporary = free_directory(options.models)
    models = Models(options.gpt, directory)
    paths = [
        models.decoder(),
        models.ngram(),
        models.chat(),
        models.encoder(),
        models.classifier(),
        models.translator(),
    ]
    with Server(options.serve, paths) as server:
        fuzzer = Fuzzer(server, options.seed, options.limit)
        if options.case is not None:
            data, least = case(options.seed, options.case)
            print(show(data), f"at least {least} responses", sep="\n")
            for status, headers, body in fuzzer.exchange(data, least):
                print(status, headers, (body or b"")[:500])
            return 0
        with report.guard("check_protocol"):
            check_protocol(report, server)
        check(report, server, fuzzer, options)
    if temporary:
        temporary.cleanup()
    return report.finish()


def check_protocol(report, server):
    """Checks what RFC 9110 and 9112 require of a server, request by request."""
    get, tail = "GET /health HTTP/1.1\r\n", "Host: localhost\r\n\r\n"
    body = '{"model":"decoder","prompt":"a","max_tokens":3,"stream":true}'
    post = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    rules = [
        ("a request without Host is refused", get + "\r\n", r"HTTP/1.1 40[03] "),
        ("headers that are too large are refused", get + "X: " + "y" * 40_000 + "\r\n" + tail, r"HTTP/1.1 4(00|31) "),
        ("what is not HTTP is refused", "hello\r\n\r\n", r"HTTP/1.1 400 .*\(end\)"),
        (
            "an expectation is met",
            f"POST /v1/completions HTTP/1.1\r\nExpect: 100-continue\r\n{post}{tail}",
            r"HTTP/1.1 100 Continue\r\n\r\n",
        ),
        ("a connection is closed on request", get + "Connection: close\r\n" + tail, r"HTTP/1.1 200 .*\(end\)"),
        ("several requests at once are answered", (get + tail) * 3, r"(HTTP/1.1 200 .*?\{.*?\}){3}"),
    ]
    for name, request, expected in rules:
        seen = answer(server, request.encode())
        report.check(name, re.match(expected, seen, re.DOTALL), repr(seen[:300]))


def answer(server, data, seconds=1.5):
    """All that the server sends within some time, with "(end)" where it closes the connection."""
    received, end = b"", time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        try:
            connection.sendall(data)
            while time.monotonic() < end:
                connection.settimeout(max(0.01, end - time.monotonic()))
                part = connection.recv(1 << 16)
                received += part or b"(end)"
                if not part:
                    break
        except OSError:
            pass
    return received.decode(errors="replace")


def check(report, server, fuzzer, options):
    """Sends cases until the time is over, and checks the server afterwards."""
    plain = {"model": "decoder", "prompt": "The river", "max_tokens": 20, "seed": 9}
    expected = server.complete(**plain)
    until = time.monotonic() + options.seconds
    threads = [threading.Thread(target=fuzzer.run, args=(until,)) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.note(f"{fuzzer.sent} cases, statuses {dict(sorted(fuzzer.responses.items()))}")
    for number, message, data in fuzzer.failures.values():
        report.check(f"case {number} of seed {options.seed}", False, message)
        report.note(show(data))
    report.check("every response is valid and in time", not fuzzer.failures and fuzzer.sent > 0)
    errors = "".join(server.errors)
    if not report.check("the server has not crashed", server.is_running, f"{server.process.poll()} {errors[-2000:]}"):
        return
    with report.guard("the server after the requests"):
        report.equal("the server is healthy", server.request("GET", "/health", timeout=10).status, 200)
        report.check("no text is under way", server.is_idle(10))
        report.equal("the text of a request is as before", server.complete(**plain), expected)
        report.equal("the server ends without an error", (server.stop(), "".join(server.errors)), (0, ""))


if __name__ == "__main__":
    sys.exit(main())
