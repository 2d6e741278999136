// Edits through OpenAI's own client: whole, in a stream, refused, and the list of models.
import assert from "node:assert/strict";

import OpenAI from "openai";

const CODE = "function one() {\n  return 1;\n}\n\nfunction two() {\n  return 1;\n}\n";
const UPDATE = "function two() {\n  return 2;\n}\n";
const RESULT = "function one() {\n  return 1;\n}\n\nfunction two() {\n  return 2;\n}\n";

const messages = (update) => [
  { role: "user", content: `<instruction>change it</instruction>\n<code>${CODE}</code>\n<update>${update}</update>` },
];

const client = new OpenAI({ baseURL: `${process.env.GATEWAY}/v1`, apiKey: "none", maxRetries: 0 });

const answer = await client.chat.completions.create({
  model: "morph-v3-fast", messages: messages(UPDATE), language: "javascript",
});
assert.equal(answer.choices[0].message.content, RESULT);
assert.equal(answer.choices[0].finish_reason, "stop");

let text = "";
const stream = await client.chat.completions.create({
  model: "apply", messages: messages(UPDATE), language: "javascript", stream: true,
});
for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
assert.equal(text, RESULT);

for (const streamed of [false, true]) {
  const refused = client.chat.completions.create({
    model: "apply", messages: messages("make it better"), stream: streamed,
  });
  await assert.rejects(refused, (error) => error.status === 422 && error.code === "edit_refused");
}
const empty = client.chat.completions.create({ model: "apply", messages: [{ role: "user", content: "hello" }] });
await assert.rejects(empty, (error) => error.status === 400 && error.code === "edit_missing");

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.ok(models.includes("apply"), models.join());
console.log(`openai for Node ${process.version}: whole, streamed, refused, models ${models.join()}`);
