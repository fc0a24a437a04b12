"""What the checks of the server share: small models, a server process, and HTTP requests.

It needs the standard library only.
"""

import http.client
import json
import os
import queue
import random
import re
import resource
import subprocess
import threading
import time
from pathlib import Path

SPEAKERS = ["ANNA", "BRAM", "CLARA", "DIRK", "ELSE", "FLOOR"]
WORDS = (
    "the a one no river boat house light stone morning evening winter road letter answer question never always "
    "sees hears finds loses sends keeps reads writes turns waits over under before after with without and but or if "
    "grey green quiet early late near far naïve façade €5"
).split()


# MARK: Models


def play(lines, seed=1):
    """A text of speeches, each with a name and some sentences of random words."""
    generator = random.Random(seed)
    text = []
    for _ in range(lines):
        sentence = " ".join(generator.choices(WORDS, k=generator.randint(4, 12)))
        text.append(f"{generator.choice(SPEAKERS)}:\n{sentence.capitalize()}.\n")
    return "\n".join(text)


class Models:
    """Makes small models in a directory, each of which takes about a second."""

    SIZE = ["--layers", "2", "--width", "64", "--heads", "4"]

    def __init__(self, gpt, directory):
        self.gpt = str(gpt)
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def run(self, *arguments, text=None):
        """The standard output of a command of gpt, as bytes."""
        result = subprocess.run(
            [self.gpt, *map(str, arguments)], input=text, capture_output=True, timeout=300, check=False
        )
        if result.returncode != 0:
            raise RuntimeError(f"gpt {arguments[0]} failed: {result.stderr.decode(errors='replace').strip()}")
        return result.stdout

    def _write(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def _train(self, name, *arguments, steps):
        path = self.directory / name
        if not path.exists():
            self.run("train", "--quiet", "--steps", steps, "--evaluate", "1", "--out", path, *arguments)
        return path

    def decoder(self, steps=20, width=64, layers=2, context=128, name="decoder"):
        """A model that continues texts, with bytes and pairs of bytes as tokens."""
        text = self._write("play.txt", play(400))
        size = ["--layers", layers, "--width", width, "--heads", "4", "--context", context]
        return self._train(name, "--text", text, "--tokenizer", "bpe:300", *size, steps=steps)

    def ngram(self):
        """A model of counts, which has no limit of context."""
        text = self._write("play.txt", play(400))
        path = self.directory / "ngram"
        if not path.exists():
            self.run("train", "--quiet", "--model", "ngram", "--text", text, "--out", path)
        return path

    def chat(self, steps=20):
        """A model with a chat template."""
        generator = random.Random(2)
        lines = []
        for _ in range(60):
            question, answer = (" ".join(generator.choices(WORDS, k=5)) for _ in range(2))
            messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            lines.append(json.dumps({"messages": messages}))
        text = self._write("conversations.jsonl", "\n".join(lines) + "\n")
        kind = ["--text", text, "--chat-template", "plain", "--tokenizer", "bpe:300", "--context", "256"]
        return self._train("chat", *kind, *self.SIZE, steps=steps)

    def encoder(self, steps=5):
        """An encoder that fills in masked words, and embeds texts."""
        text = self._write("play.txt", play(400))
        kind = ["--task", "masked", "--text", text, "--tokenizer", "wordpiece:300", "--context", "64"]
        return self._train("encoder", *kind, *self.SIZE, steps=steps)

    def classifier(self, steps=5):
        """A classifier of texts."""
        generator = random.Random(3)
        rows = ["text,label"]
        for number in range(80):
            rows.append(" ".join(generator.choices(WORDS, k=6)) + "," + ("left", "right")[number % 2])
        table = self._write("labels.csv", "\n".join(rows) + "\n")
        kind = ["--task", "classify", "--data", table, "--tokenizer", "wordpiece:300", "--context", "64"]
        return self._train("classifier", *kind, *self.SIZE, steps=steps)

    def translator(self, steps=5):
        """A translator, of words into the same words in another order."""
        generator = random.Random(4)
        rows = ["source\ttarget"]
        for _ in range(120):
            words = generator.choices(WORDS, k=4)
            rows.append(" ".join(words) + "\t" + " ".join(reversed(words)))
        table = self._write("pairs.tsv", "\n".join(rows) + "\n")
        kind = ["--task", "translate", "--data", table, "--context", "64"]
        return self._train("translator", *kind, "--layers", "1", "--width", "32", "--heads", "4", steps=steps)

    def exported(self, model):
        """The directory of a model for Hugging Face's libraries."""
        path = Path(f"{model}-hf")
        if not path.exists():
            self.run("export", model, "--to", "hf", path)
        return path


# MARK: Server


class Server:
    """A server process on a free port of this machine, which ends with the `with` block."""

    def __init__(self, program, models, *options, files=None, environment=None):
        self.program = program
        self.models = [Path(model) for model in models]
        self.command = [str(program), *map(str, models), "--port", "0", *map(str, options)]
        self.files = files
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.port = None
        self.errors = []

    def _limit_files(self):
        if self.files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files))

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            preexec_fn=self._limit_files,
        )
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stdout, lines.put), daemon=True).start()
        threading.Thread(target=self._read, args=(self.process.stderr, self.errors.append), daemon=True).start()
        try:
            while self.port is None:
                line = lines.get(timeout=60)
                address = re.search(r"http://[^\s/]+:(\d+)", line or "")
                if address:
                    self.port = int(address.group(1))
                elif line is None:
                    self.process.wait(10)
                    raise RuntimeError(f"the server did not start: {''.join(self.errors).strip()}")
        except BaseException:
            self.process.kill()
            raise
        return self

    @staticmethod
    def _read(stream, put):
        for line in stream:
            put(line)
        if getattr(put, "__name__", "") == "put":
            put(None)

    def __exit__(self, *_):
        self.stop()

    def another(self, models, options=(), environment=None):
        """A further server with some of the models, by their names."""
        paths = [path for path in self.models if path.name in models]
        return Server(self.program, paths, *options, environment=environment)

    def stop(self, seconds=15):
        """Ends the server as Ctrl-C does, and returns its exit status; kills it if it does not end."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self):
        return self.process.poll() is None

    def memory(self):
        """The resident memory, in bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        """The number of open files and sockets."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def metrics(self):
        """The values of /metrics, summed over labels."""
        values = {}
        for line in self.request("GET", "/metrics").text.splitlines():
            if not line.startswith("#") and " " in line:
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                values[name] = values.get(name, 0) + float(value)
        return values

    def is_idle(self, seconds):
        """Whether all texts end within some seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            values = self.metrics()
            if values["gpt_texts_running"] == 0 and values["gpt_texts_waiting"] == 0:
                return True
            time.sleep(0.02)
        return False

    def request(self, method, path, body=None, headers=None, timeout=120):
        """Sends a request on a new connection. A body that is not bytes is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def complete(self, **fields):
        """The text of a completion."""
        response = self.request("POST", "/v1/completions", fields)
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {response.text}")
        return response.json["choices"][0]["text"]


class Response:
    """A whole response."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The members of an error."""
        return self.json["error"]

    @property
    def events(self):
        """The objects of a stream, whose last event must be [DONE]."""
        events = [line[6:] for line in self.text.split("\n\n") if line]
        if not events or events[-1] != "[DONE]":
            raise RuntimeError("the stream does not end with [DONE]")
        return [json.loads(event) for event in events[:-1]]


# MARK: Reports


class Report:
    """Prints a line for each check, and remembers whether all hold."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, holds, detail=""):
        """Reports a check, with what was seen where it does not hold."""
        if holds:
            self.passed += 1
            print(f"ok    {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {name}" + (f": {str(detail)[:600]}" if detail != "" else ""), flush=True)
        return bool(holds)

    def equal(self, name, seen, expected):
        """Reports whether two values are equal."""
        return self.check(name, seen == expected, f"{seen!r} is not {expected!r}")

    def guard(self, name):
        """A `with` block in which an exception is a failed check."""
        return _Guard(self, name)

    def skip(self, name, reason):
        print(f"skip  {name}: {reason}", flush=True)

    def note(self, text):
        print(f"      {text}", flush=True)

    def finish(self):
        """Prints the result, and returns the exit status."""
        print(f"{self.passed} checks hold, {self.failed} fail")
        return 0 if self.failed == 0 and self.passed > 0 else 1


class _Guard:
    def __init__(self, report, name):
        self.report = report
        self.name = name

    def __enter__(self):
        return self.report

    def __exit__(self, kind, error, _):
        if error is None or not isinstance(error, Exception):
            return False
        self.report.check(self.name, False, f"{kind.__name__}: {error}")
        return True


def free_directory(given):
    """A directory for models: the given one, or a new one that the caller removes."""
    import tempfile

    if given:
        return Path(given), None
    temporary = tempfile.TemporaryDirectory(prefix="gpt-server-")
    return Path(temporary.name), temporary
