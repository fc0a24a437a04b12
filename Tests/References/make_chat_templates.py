#!/usr/bin/env python3
"""Makes the golden renderings that the tests of ChatTemplates read, with transformers and Jinja.

    make_chat_templates.py DIR [--seed 1] [--random 400] [--builtin FILE]

Needs transformers and jinja2. The files in DIR are described in ChatTemplateGolden.swift. Errors are recorded as such, not
their words: those are each program's own. The time for strftime_now is fixed.

--builtin FILE is a JSON object with the sources of the built-in templates; by default they stay as they are in DIR.
"""
import argparse
import datetime
import json
import os
import time

from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils
from tokenizers import Tokenizer, models

import chat_template_features
import chat_template_random
import chat_template_styles as styles

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("directory")
parser.add_argument("--seed", default="1")
parser.add_argument("--random", type=int, default=400)
parser.add_argument("--builtin")
a = parser.parse_args()


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(styles.TIME)


chat_template_utils.datetime = FixedTime
VARIABLES = {"bos_token": "<s>", "eos_token": "</s>"}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **VARIABLES)


def apply(template, messages, prompt, tools=None, **variables):
    """What apply_chat_template gives, and where generations are, in bytes; None for an error."""
    try:
        if messages:  # transformers looks at the first one before it renders them
            text = tokenizer.apply_chat_template(
                messages, tools=tools, chat_template=template, add_generation_prompt=prompt, tokenize=False, **variables)
        messages = [{k: v for k, v in message.items() if v is not None} for message in messages]
        rendered, ranges = chat_template_utils.render_jinja_template(
            [messages], tools=tools, chat_template=template, return_assistant_tokens_mask=True,
            add_generation_prompt=prompt, **VARIABLES, **variables)
        assert not messages or text == rendered[0]
        text = rendered[0]
        text.encode()
    except Exception as error:
        if isinstance(error, (AssertionError, ImportError, NameError)):
            raise
        return None
    return text, [[len(text[:bound].encode()) for bound in bounds] for bounds in ranges[0]]


def case(template, conversation, prompt, **variables):
    result = apply(template, styles.CONVERSATIONS[conversation], prompt, **variables)
    record = {"conversation": conversation, "prompt": prompt}
    if variables:
        record["variables"] = variables
    record["text"] = result and result[0]
    if result and result[1]:
        record["generations"] = result[1]
    return record


def cases(template):
    all_cases = [case(template, name, prompt) for name in styles.CONVERSATIONS for prompt in (False, True)]
    for name in ("question", "system", "calls"):
        all_cases.append(case(template, name, True, tools=styles.TOOLS))
    all_cases.append(case(template, "question", True, enable_thinking=False))
    all_cases.append(case(template, "system", False, date_string="1 May 2020", tools_in_user_message=False, tools=styles.TOOLS))
    return all_cases


def small(template):
    """A template rendered for no conversation, by Jinja alone; None for an error."""
    try:
        text = chat_template_utils._compile_jinja_template(template).render(
            messages=[], tools=None, documents=None, add_generation_prompt=False, **chat_template_random.VARIABLES)
        text.encode()
    except Exception:
        return None
    return text


def write(name, value):
    """Lists of records one a line, so that changes can be read."""
    path = os.path.join(a.directory, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n")
        for number, (key, member) in enumerate(value.items()):
            file.write(("" if number == 0 else ",\n") + json.dumps(key) + ": ")
            if isinstance(member, list):
                file.write("[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in member) + "\n]")
            else:
                file.write(json.dumps(member, ensure_ascii=False))
        file.write("\n}\n")


os.makedirs(a.directory, exist_ok=True)
templates = dict(styles.TEMPLATES)
builtin_path = os.path.join(a.directory, "builtin.json")
with open(a.builtin or builtin_path, encoding="utf-8") as file:
    builtin = json.load(file)
    builtin = builtin.get("sources", builtin)
conversations = {"conversations": styles.CONVERSATIONS, "time": styles.TIME, "variables": VARIABLES}
write("styles", conversations | {"templates": [{"name": n, "source": t, "cases": cases(t)} for n, t in templates.items()]})
write("builtin", {"sources": builtin, "templates": [{"name": n, "source": t, "cases": cases(t)} for n, t in builtin.items()]})


def is_fit(template, text):
    """Whether a random case says something: no address in memory, no number beyond 64 bits."""
    return len(template) < 700 and (text is None or len(text) < 1000 and not any(
        part in text for part in (" object at 0x", "<built-in", "100000000000000000000")))


random_cases = []
for template in chat_template_random.templates(a.seed, 20 * a.random):
    text = small(template)
    errors = sum(record["text"] is None for record in random_cases)
    if len(random_cases) < a.random and is_fit(template, text) and (text is not None or errors < a.random // 10):
        random_cases.append({"template": template, "text": text})
features = [{"template": template, "text": small(template)} for template in chat_template_features.TEMPLATES]
write("language", {"variables": chat_template_random.VARIABLES, "features": features, "random": random_cases})
