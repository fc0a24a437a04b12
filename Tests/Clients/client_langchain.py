"""Checks of a server with the Python package langchain-openai."""

import langchain_openai

QUESTIONS = ["the river sees", "a house", "never late"]


def run(report, models, server):
    common = {"base_url": server.url + "/v1", "api_key": "none", "seed": 3, "max_retries": 0, "timeout": 20}
    with report.guard("langchain: ChatOpenAI"):
        check_model(report, "ChatOpenAI", langchain_openai.ChatOpenAI(model="chat", max_tokens=20, **common))
    with report.guard("langchain: OpenAI"):
        check_model(report, "OpenAI", langchain_openai.OpenAI(model="decoder", max_tokens=20, temperature=1, **common))
    with report.guard("langchain: OpenAI with several texts"):
        check_several(report, langchain_openai.OpenAI(model="decoder", max_tokens=8, n=2, best_of=3, **common))
    with report.guard("langchain: OpenAIEmbeddings"):
        # By itself the package sends ids of OpenAI's tokenizers, which are not those of the model.
        embeddings = langchain_openai.OpenAIEmbeddings(
            model="encoder", base_url=server.url + "/v1", api_key="none", check_embedding_ctx_length=False
        )
        vectors = embeddings.embed_documents(QUESTIONS)
        report.equal("langchain: OpenAIEmbeddings", vectors[0], embeddings.embed_query(QUESTIONS[0]))


def text(output):
    return output if isinstance(output, str) else output.content


def check_model(report, name, model):
    """Checks that the ways to call a model give the same texts."""
    alone = [text(model.invoke(question)) for question in QUESTIONS]
    report.check(f"langchain: {name}.invoke", all(alone), alone)
    report.equal(f"langchain: {name}.batch", [text(output) for output in model.batch(QUESTIONS)], alone)
    chunks = [text(chunk) for chunk in model.stream(QUESTIONS[0])]
    report.equal(f"langchain: {name}.stream", "".join(chunks), alone[0])
    report.check(f"langchain: {name}.stream in several parts", len([chunk for chunk in chunks if chunk]) > 3, chunks)


def check_several(report, model):
    """Checks the order of several texts for several prompts."""
    result = model.generate(QUESTIONS)
    sizes = [len(texts) for texts in result.generations]
    report.equal("langchain: OpenAI.generate", sizes, [2] * len(QUESTIONS))
    first = [texts[0].text for texts in result.generations]
    alone = [model.generate([question]).generations[0][0].text for question in QUESTIONS]
    report.equal("langchain: OpenAI.generate in the order of the prompts", first, alone)
    usage = result.llm_output["token_usage"]
    report.equal("langchain: the usage of OpenAI.generate", usage["completion_tokens"], 8 * 3 * len(QUESTIONS))
