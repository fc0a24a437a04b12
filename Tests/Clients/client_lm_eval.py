"""Checks of a server with the evaluation harness lm-eval, on a task that is made here."""

import json
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import lm_eval
import lm_eval.tasks

import check_texts

ITEMS = [
    ("The river never sees", [" the house", " a stone road", " it"]),
    ("ANNA:\nThe naïve", [" letter", " boat finds", " €5"]),
    ("Quiet", [" evening", " morning and winter", " x"]),
    ("BRAM:\nHouse light stone", [" before", " under the", " never always"]),
]

TASK = """
task: server_check
dataset_path: json
dataset_name: null
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: 0
target_delimiter: ""
metric_list:
  - metric: acc
"""


def run(report, models, server):
    directory = models.directory / "lm-eval"
    directory.mkdir(exist_ok=True)
    data = directory / "items.jsonl"
    rows = [{"question": question, "choices": choices} for question, choices in ITEMS]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (directory / "server_check.yaml").write_text(TASK.format(data=data))
    tokenizer = models.exported(models.decoder())
    for options in ["num_concurrent=1", "num_concurrent=4,batch_size=3", "tokenized_requests=False"]:
        name = f"lm-eval: with {options}"
        with report.guard(name):
            check_task(report, name, models, server, directory, tokenizer, options)
    with report.guard("lm-eval: generated texts"):
        check_generation(report, server, tokenizer)


def model_arguments(server, tokenizer, options):
    return (
        f"model=decoder,base_url={server.url}/v1/completions,tokenizer={tokenizer},"
        f"tokenizer_backend=huggingface,max_length=128,max_retries=1,{options}"
    )


def check_task(report, name, models, server, directory, tokenizer, options):
    """Compares the log likelihoods of a task with those of 'gpt logits'."""
    result = lm_eval.simple_evaluate(
        model="local-completions",
        model_args=model_arguments(server, tokenizer, options),
        tasks=["server_check"],
        task_manager=lm_eval.tasks.TaskManager(include_path=str(directory)),
        log_samples=True,
        bootstrap_iters=0,
        verbosity="ERROR",
    )
    worst, count = 0.0, 0
    for sample in result["samples"]["server_check"]:
        question = sample["doc"]["question"]
        for choice, response in zip(sample["doc"]["choices"], sample["filtered_resps"], strict=True):
            worst = max(worst, abs(float(response[0]) - log_likelihood(models, server, question, choice)))
            count += 1
    report.check(
        f"{name}, {count} log likelihoods equal those of gpt logits within 1e-5", worst < 1e-5 and count == 12, worst
    )


def log_likelihood(models, server, question, choice):
    """The log probability of a text after another, from the logits of 'gpt logits'."""

    def ids(text):
        return server.request("POST", "/tokenize", {"model": "decoder", "content": text}).json["tokens"]

    whole = ids(question + choice)
    return sum(check_texts.log_probabilities(models, models.decoder(), whole)[len(ids(question)) - 1 :])


def check_generation(report, server, tokenizer):
    """Compares a greedy text up to a stop string with that of a plain request."""
    from lm_eval.api.instance import Instance
    from lm_eval.api.registry import get_model

    model = get_model("local-completions").create_from_arg_string(
        model_arguments(server, tokenizer, "num_concurrent=1")
    )
    request = ("The river", {"until": ["\n\n"], "max_gen_toks": 24, "temperature": 0.0})
    texts = model.generate_until([Instance("generate_until", {}, request, 0)])
    expected = server.complete(model="decoder", prompt="The river", max_tokens=24, temperature=0, stop=["\n\n"])
    report.equal("lm-eval: generated texts", texts, [expected])
