#!/usr/bin/env python3
"""Checks a server of models with the clients that people use.

    python check_server.py --gpt PATH --serve PATH

It trains small models, serves them on a free port of this machine, and uses them with the packages openai,
langchain-openai, llm and lm-eval. A package that is not installed is skipped with the reason. The texts must be those of
`gpt generate`, and the log probabilities those of `gpt logits`. It prints a line for each check, and its exit status is 0 if
all hold.
"""

import argparse
import importlib
import logging
import os
import sys
import warnings

import check_texts
from serving import Models, Report, Server, free_directory

CLIENTS = {
    "openai": "client_openai",
    "langchain-openai": "client_langchain",
    "llm": "client_llm",
    "lm-eval": "client_lm_eval",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gpt", required=True, help="the program gpt")
    parser.add_argument("--serve", required=True, help="the program gpt-serve")
    parser.add_argument("--models", help="a directory for the models, which are made if they are not there yet")
    parser.add_argument("--only", action="append", choices=["texts", *CLIENTS], help="check this part only")
    parser.add_argument("--requests", type=int, default=200, help="requests that are sent alone and among others")
    parser.add_argument("--require-all", action="store_true", help="fail if the package of a client is missing")
    return parser.parse_args()


def main():
    options = arguments()
    # The packages must neither report nor fetch anything beyond this machine.
    os.environ.update(
        HF_HUB_OFFLINE="1",
        HF_DATASETS_OFFLINE="1",
        TOKENIZERS_PARALLELISM="false",
        TQDM_DISABLE="1",
        NO_PROXY="127.0.0.1",
    )
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    report = Report()
    directory, temporary = free_directory(options.models)
    models = Models(options.gpt, directory)
    paths = [models.decoder(), models.chat(), models.encoder(), models.classifier(), models.translator()]
    with Server(options.serve, paths) as server:
        parts = options.only or ["texts", *CLIENTS]
        if "texts" in parts:
            check_texts.check_generate(report, models, server)
            check_texts.check_alone_and_among_others(report, server, options.requests)
            check_texts.check_log_probabilities(report, models, server)
        for package, module in CLIENTS.items():
            if package in parts:
                run_client(report, package, module, models, server, options.require_all)
        report.check("no text is under way at the end", server.is_running and server.is_idle(5))
        report.equal("the server ends without an error", (server.stop(), "".join(server.errors)), (0, ""))
    if temporary:
        temporary.cleanup()
    return report.finish()


def run_client(report, package, module, models, server, is_required):
    """Runs the checks of a client, if its package is installed."""
    try:
        client = importlib.import_module(module)
    except ImportError as error:
        if is_required:
            report.check(package, False, error)
        else:
            report.skip(package, error)
        return
    client.run(report, models, server)


if __name__ == "__main__":
    sys.exit(main())
