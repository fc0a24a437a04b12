"""Checks of a server with the program llm."""

import os
import re
import subprocess
import sys

import llm  # noqa: F401  (its absence skips the checks)

SETTINGS = """
- model_id: checked-chat
  model_name: chat
  api_base: "{url}/v1"
- model_id: checked-text
  model_name: decoder
  api_base: "{url}/v1"
  completion: true
"""


def run(report, models, server):
    directory = models.directory / "llm"
    directory.mkdir(exist_ok=True)
    (directory / "extra-openai-models.yaml").write_text(SETTINGS.format(url=server.url))
    environment = {**os.environ, "LLM_USER_PATH": str(directory), "OPENAI_API_KEY": "none"}

    def command(*arguments):
        """What llm prints, and what it prints to standard error."""
        result = subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"llm {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout, result.stderr

    options = ["-o", "seed", "5", "-o", "max_tokens", "20", "--usage"]
    for name, kind in [("checked-chat", "a chat"), ("checked-text", "completions")]:
        with report.guard(f"llm: {kind}"):
            streamed, usage = command("-m", name, "the river", *options)
            whole, usage_of_whole = command("-m", name, "the river", "--no-stream", *options)
            report.check(f"llm: a text of {kind}", streamed.strip() != "", streamed)
            report.equal(f"llm: the same text of {kind} without a stream", whole, streamed)
            if kind == "a chat":
                # The program does not report the usage of completions.
                # The model may end its turn before the limit of 20 tokens.
                counted = re.search(r"\b(\d+) output", usage)
                report.check(f"llm: the usage of {kind}", bool(counted) and 1 <= int(counted[1]) <= 20, usage)
                report.equal(f"llm: the same usage of {kind} without a stream", usage_of_whole, usage)
    endpoint = ["openai", "endpoint", server.url + "/v1"]
    with report.guard("llm: an endpoint"):
        listed, _ = command(*endpoint, "--models")
        report.check("llm: the models of an endpoint", "decoder" in listed and "chat" in listed, listed)
        known, _ = command("-m", "checked-chat", "the river", *options)
        answered, _ = command(*endpoint, "-m", "chat", "the river", "-o", "seed", "5", "-o", "max_tokens", "20")
        report.equal("llm: the message of an endpoint", answered, known)
