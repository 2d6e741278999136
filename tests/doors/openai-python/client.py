"""Edits through OpenAI's own client: whole, in a stream, refused, and the list of models."""

import os

import openai

CODE = "def one():\n    return 1\n\n\ndef two():\n    return 1\n"
UPDATE = "def two():\n    return 2\n"
RESULT = CODE[: CODE.rindex("1")] + "2\n"


def message(code: str, update: str) -> list[dict[str, str]]:
    text = f"<instruction>change it</instruction>\n<code>{code}</code>\n<update>{update}</update>"
    return [{"role": "system", "content": "You edit."}, {"role": "user", "content": text}]


client = openai.OpenAI(base_url=f"{os.environ['GATEWAY']}/v1", api_key="none", max_retries=0)

answer = client.chat.completions.create(model="morph-v3-fast", messages=message(CODE, UPDATE))
assert answer.choices[0].message.content == RESULT, answer
assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens > 0, answer

stream = client.chat.completions.create(
    model="apply", messages=message(CODE, UPDATE), stream=True, stream_options={"include_usage": True}
)
chunks = list(stream)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == RESULT, text
assert chunks[-1].usage.total_tokens > 0, chunks[-1]

for streamed in (False, True):
    try:
        client.chat.completions.create(
            model="apply", messages=message(CODE, "make it better"), stream=streamed
        )
    except openai.UnprocessableEntityError as error:
        assert error.code == "edit_refused" and "not made" in error.message, error
    else:
        raise AssertionError("a refusal passed for a result")

try:
    client.chat.completions.create(model="apply", messages=[{"role": "user", "content": "hello"}])
except openai.BadRequestError as error:
    assert error.code == "edit_missing", error
else:
    raise AssertionError("a message without an edit was answered")

models = [model.id for model in client.models.list()]
assert "apply" in models, models
print(f"openai {openai.__version__} for Python: whole, streamed, refused, models {models}")
