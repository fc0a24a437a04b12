#!/usr/bin/env python3
"""Checks a server of models under load, and with clients that misbehave.

    python load_server.py --gpt PATH --serve PATH --seconds 60

It makes a small model, serves it on a free port of this machine, and measures: the tokens per second of one stream and of 64
at once, the time to the first token beside busy streams, memory and open files, and how soon the server notices that a
client has left. --quick takes about 15 seconds; there, what depends on the speed of the machine is printed and not judged.
It needs the standard library only, and Linux for the memory of the server.
"""

import argparse
import asyncio
import json
import random
import resource
import socket
import statistics
import struct
import sys
import time

from serving import Models, Report, Server, free_directory

MEBIBYTE = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gpt", required=True, help="the program gpt")
    parser.add_argument("--serve", required=True, help="the program gpt-serve")
    parser.add_argument("--models", help="a directory for the model, which is made if it is not there yet")
    parser.add_argument("--seconds", type=float, default=60, help="how long the streams run")
    parser.add_argument("--streams", type=int, default=64, help="streams at the same time")
    parser.add_argument("--clients", type=int, default=500, help="clients that misbehave at the same time")
    parser.add_argument("--quick", action="store_true", help="fewer of everything, and no judgement of speed")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.clients = min(options.seconds, 4), min(options.clients, 150)
    return options


# MARK: Clients


def completion(prompt="The river", tokens=200, seed=1, stream=True):
    """The bytes of a request for a completion."""
    body = json.dumps({"prompt": prompt, "max_tokens": tokens, "seed": seed, "stream": stream}).encode()
    headers = ["Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(["POST /v1/completions HTTP/1.1", *headers, "", ""]).encode() + body


class Stream:
    """A completion that is read token by token."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.text = ""
        self.tokens = 0

    @classmethod
    async def open(cls, port, request):
        """Sends a request, and reads the head of the response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            await writer.drain()
            status = (await reader.readline()).decode()
            if " 200 " not in status:
                raise RuntimeError(f"the status is {status.strip() or 'missing'}")
            while (await reader.readline()).strip():
                pass
        except BaseException:
            # Also where this task is cancelled: otherwise the client would not leave.
            writer.close()
            raise
        return cls(reader, writer)

    async def next(self):
        """The next token of the stream; None at its end."""
        while True:
            line = await self.reader.readline()
            if not line:
                raise RuntimeError("the stream is broken off")
            if not line.startswith(b"data: "):
                continue
            if line.startswith(b"data: [DONE]"):
                return None
            event = json.loads(line[6:])
            if "error" in event:
                raise RuntimeError(event["error"]["message"])
            self.tokens += 1
            self.text += event["choices"][0]["text"]
            return event

    def close(self, abruptly=False):
        """Leaves: with FIN, or with RST."""
        if abruptly:
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort() if abruptly else self.writer.close()


async def streaming(port, seed, until, counts, failures, times=None):
    """Streams one completion after another until a time, and counts the tokens."""
    while time.monotonic() < until:
        try:
            stream = await asyncio.wait_for(Stream.open(port, completion(tokens=400, seed=seed)), 30)
            last = None
            while time.monotonic() < until and await asyncio.wait_for(stream.next(), 30):
                now = time.monotonic()
                if times is not None and last is not None:
                    times.append(now - last)
                last = now
                counts[seed] = counts.get(seed, 0) + 1
            stream.close()
        except Exception as error:
            failures.append(f"stream {seed}: {type(error).__name__} {error}")
            await asyncio.sleep(0.05)


async def throughput(server, streams, seconds, memory=None):
    """The tokens per second of all streams together, and what failed."""
    counts, failures = {}, []
    start = time.monotonic()
    until = start + seconds
    tasks = [asyncio.create_task(streaming(server.port, seed, until, counts, failures)) for seed in range(streams)]
    while time.monotonic() < until:
        await asyncio.sleep(min(0.25, seconds / 10))
        if memory is not None:
            memory.append(server.memory())
    await asyncio.gather(*tasks)
    return sum(counts.values()) / (time.monotonic() - start), counts, failures


# MARK: Checks


async def check_throughput(report, server, options):
    """64 streams at once: none fails, memory stays, and together they are faster than one."""
    alone, _, failures = await throughput(server, 1, options.seconds / 6)
    report.check("one stream alone", not failures, failures[:3])
    await throughput(server, options.streams, min(2, options.seconds / 6))
    memory = []
    together, counts, failures = await throughput(server, options.streams, options.seconds, memory)
    report.check(
        f"{options.streams} streams at once without a failure", not failures, f"{len(failures)}: {failures[:3]}"
    )
    report.check("every stream is served", len(counts) == options.streams, f"{len(counts)} of {options.streams}")
    if counts:
        least, most = min(counts.values()), max(counts.values())
        report.check("the streams are served alike", 2 * least >= most, f"{least} to {most} tokens")
    third = max(1, len(memory) // 3)
    early, late = statistics.median(memory[:third]), statistics.median(memory[-third:])
    report.check("memory stays the same", late < early * 1.05 + 8 * MEBIBYTE, f"{early:.0f} to {late:.0f} bytes")
    report.note(f"memory {early / MEBIBYTE:.1f} MiB early, {late / MEBIBYTE:.1f} MiB late")
    report.note(f"{alone:.0f} tokens/s alone, {together:.0f} together: {together / max(alone, 1e-9):.2f} times")
    if not options.quick:
        report.check("more tokens per second together than alone", together > alone)


async def check_first_token(report, server, options):
    """The time to the first token beside eight busy streams, in steps of the model."""
    counts, failures, times, waits = {}, [], [], []
    until = time.monotonic() + (2 if options.quick else 6)
    busy = [asyncio.create_task(streaming(server.port, 1000 + n, until, counts, failures, times)) for n in range(8)]
    await asyncio.sleep(0.5)
    while time.monotonic() < until - 0.3:
        start = time.monotonic()
        # A prompt that none was processed like, so that nothing is shared.
        prompt = "".join(random.choices("abcdefgh ", k=40))
        try:
            stream = await asyncio.wait_for(Stream.open(server.port, completion(prompt, tokens=8)), 10)
            await asyncio.wait_for(stream.next(), 10)
            waits.append(time.monotonic() - start)
            stream.close()
        except Exception as error:
            failures.append(f"{type(error).__name__} {error}")
        await asyncio.sleep(0.05)
    await asyncio.gather(*busy)
    report.check("a ninth stream beside eight busy ones", not failures and waits, failures[:3])
    if not waits or not times:
        return
    step, wait = statistics.mean(times), statistics.median(waits)
    report.note(
        f"first token after {1000 * wait:.1f} ms, {wait / step:.1f} steps of {1000 * step:.1f} ms; "
        f"the slowest after {1000 * max(waits):.1f} ms"
    )
    if not options.quick:
        report.check("the first token comes within 10 steps", wait < 10 * step)


async def silent(port, closed):
    """Connects and says nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await reader.read()
        closed.append(1)
    finally:
        writer.transport.abort()


async def slow(port, closed, interval):
    """Sends a byte at a time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for byte in completion() * 100:
            writer.write(bytes([byte]))
            await writer.drain()
            try:
                if not await asyncio.wait_for(reader.read(1), interval):
                    break
            except asyncio.TimeoutError:
                continue
            break
        closed.append(1)
    except OSError:
        closed.append(1)
    finally:
        writer.transport.abort()


async def leaving(port, number, failures):
    """Leaves in the middle of a stream, again and again."""
    for turn in range(1_000_000):
        try:
            stream = await Stream.open(port, completion(tokens=100_000, seed=number))
            try:
                for _ in range(1 + (number + turn) % 5):
                    await stream.next()
            finally:
                stream.close(abruptly=(number + turn) % 2 == 0)
        except Exception as error:
            failures.append(f"{type(error).__name__} {error}")
        await asyncio.sleep(1)


async def check_hostile_clients(report, server, options):
    """Clients that say nothing, that send a byte a second and that leave, while others are served."""
    count, seconds = options.clients // 3, 4 if options.quick else 75
    files, memory = server.descriptors(), server.memory()
    expected = await complete(server.port, 5)
    closed, failures, times = {"silent": [], "slow": []}, [], []
    tasks = [asyncio.create_task(silent(server.port, closed["silent"])) for _ in range(count)]
    tasks += [asyncio.create_task(slow(server.port, closed["slow"], 1)) for _ in range(count)]
    tasks += [
        asyncio.create_task(leaving(server.port, number, failures)) for number in range(options.clients - 2 * count)
    ]
    await asyncio.sleep(1)
    report.note(f"{server.descriptors()} open files with {options.clients} clients, {files} before")
    wrong, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        start = time.monotonic()
        try:
            seen = await asyncio.wait_for(complete(server.port, 5), 20)
            times.append(time.monotonic() - start)
            if seen != expected:
                wrong.append(f"{seen!r} is not {expected!r}")
        except Exception as error:
            wrong.append(f"{type(error).__name__} {error}")
        await asyncio.sleep(0.1)
    report.check(
        f"others are served beside {options.clients} hostile clients", times and not wrong, f"{len(wrong)}: {wrong[:2]}"
    )
    report.check("clients that leave are served first", not failures, f"{len(failures)}: {failures[:2]}")
    if times:
        report.note(
            f"a text of 20 tokens took {1000 * statistics.median(times):.0f} ms, at most {1000 * max(times):.0f} ms"
        )
    report.note(
        f"in {seconds} s the server closed {len(closed['silent'])} of {count} silent clients "
        f"and {len(closed['slow'])} of {count} slow ones"
    )
    if not options.quick:
        report.check("clients that say nothing for a minute are closed", len(closed["silent"]) == count)
        report.check("requests whose headers do not arrive within a minute are closed", len(closed["slow"]) == count)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    report.check("all texts of clients that left end", await asyncio.to_thread(server.is_idle, 5))
    await settle(lambda: server.descriptors() <= files + 2, 5)
    report.check(
        "all files of clients that left are closed",
        server.descriptors() <= files + 2,
        f"{server.descriptors()}, {files} before",
    )
    grown = server.memory() - memory
    report.note(f"memory {memory / MEBIBYTE:.1f} MiB before, {server.memory() / MEBIBYTE:.1f} MiB after")
    report.check("memory after the hostile clients", grown < 64 * MEBIBYTE, f"{grown / MEBIBYTE:.1f} MiB more")


async def complete(port, seed):
    """The text of a completion, as a stream."""
    stream = await Stream.open(port, completion(tokens=20, seed=seed))
    while await stream.next():
        pass
    stream.close()
    return stream.text


async def settle(holds, seconds):
    """Waits until something holds, for some seconds at most."""
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        await asyncio.sleep(0.05)


async def check_leaving(report, server, options):
    """The text of a client that leaves ends, however it leaves."""
    endless = completion(tokens=1_000_000)
    whole = completion(tokens=1_000_000, stream=False)
    ways = [
        ("in mid-stream", endless, False),
        ("in mid-stream, abruptly", endless, True),
        ("before an answer that is not streamed", whole, False),
        ("before an answer that is not streamed, abruptly", whole, True),
        ("in mid-stream, with a second request sent", endless + endless, False),
        ("before an answer that is not streamed, with a second request sent", whole + whole, False),
        # Of a client that has sent many more requests the server reads only some in advance, and not that it leaves.
    ]
    for name, request, abruptly in ways:
        # A text that does not end must not spoil the checks of the others.
        with server.another([model.name for model in server.models]) as fresh:
            await check_leaving_once(report, fresh, name, request, abruptly)


def texts(server):
    return server.metrics()["gpt_texts_running"]


async def check_leaving_once(report, server, name, request, abruptly):
    """The text of a client that leaves in some way ends, and no further token is generated."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    await settle(lambda: texts(server) == 1, 5)
    if not report.check(f"the text of a client that leaves {name} begins", texts(server) == 1):
        return
    Stream(reader, writer).close(abruptly)
    start = time.monotonic()
    is_idle = await asyncio.to_thread(server.is_idle, 3)
    took = 1000 * (time.monotonic() - start)
    report.check(f"the text of a client that leaves {name} ends", is_idle, "it goes on")
    if is_idle:
        tokens = server.metrics()["gpt_generated_tokens_total"]
        await asyncio.sleep(0.2)
        after = server.metrics()["gpt_generated_tokens_total"]
        report.check(f"no further token after {took:.0f} ms", after == tokens, after - tokens)


async def check_half_closed(report, server, options):
    """A client that has sent all and closes its side, as `nc -N` does, is still answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(completion(tokens=20))
    writer.write_eof()
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    except asyncio.TimeoutError:
        answer = b"(not closed)"
    writer.transport.abort()
    state = "complete" if b"[DONE]" in answer else "not complete"
    report.note(f"a client that closes its side after the request has {len(answer)} bytes of the response: {state}")


def main():
    options = arguments()
    report = Report()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    directory, temporary = free_directory(options.models)
    models = Models(options.gpt, directory)
    width, layers = (64, 2) if options.quick else (192, 4)
    model = models.decoder(steps=2, width=width, layers=layers, name=f"loaded-{width}")
    limits = ["--max-concurrent", options.streams, "--max-waiting", 2 * options.clients]
    with Server(options.serve, [model], *limits) as server:
        for check in (check_throughput, check_first_token, check_leaving, check_half_closed, check_hostile_clients):
            with report.guard(check.__name__):
                asyncio.run(check(report, server, options))
        report.check(
            "the server is healthy at the end", server.is_running and server.request("GET", "/health").status == 200
        )
        report.equal("the server ends without an error", (server.stop(), "".join(server.errors)), (0, ""))
    if temporary:
        temporary.cleanup()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
