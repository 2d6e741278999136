//! Drop-in for Morph: edits in the form of OpenAI's chat completions.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use booster_core::Manifest;
use booster_queue::now_ms;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Gateway;
use super::apply::{Applied, BOOSTER, Edit, wait_of};
use super::auth::Caller;
use super::extract::Text;
use super::problem::Problem;

/// What boosters declare that make edits.
const CAPABILITY: &str = "code-editing";
/// Largest part of the text in one chunk of a stream, bytes.
const CHUNK: usize = 4096;

/// A request in OpenAI's form. Fields that are not listed are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ChatRequest {
    /// One of `/v1/models`; any other name means `apply`.
    model: Option<String>,
    /// One of the user's messages has `<code>…</code><update>…</update>`, with `<instruction>…</instruction>` before
    /// it if wanted; the last one that has counts.
    messages: Vec<Message>,
    /// The language of the code; read from the code when absent. OpenAI's API has no such field.
    #[serde(default)]
    language: Option<String>,
    /// Whether to answer with server-sent events.
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct StreamOptions {
    /// Whether a last chunk tells the tokens.
    #[serde(default)]
    include_usage: Option<bool>,
}

/// A message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Message {
    /// `user`, `system`, `assistant` or another.
    role: String,
    #[serde(default)]
    content: Option<Content>,
}

/// A message's text, whole or in parts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a message; other parts than text are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Part {
    #[serde(default)]
    text: Option<String>,
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
        }
    }
}

/// An answer in OpenAI's form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Completion {
    id: String,
    /// `chat.completion`.
    object: &'static str,
    /// Unix seconds.
    created: u64,
    /// As the request named it.
    model: String,
    /// One.
    choices: Vec<Choice>,
    usage: Usage,
    /// As in the answer of `/v1/apply`.
    confidence: f64,
    strategy: String,
    latency: f64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Choice {
    index: u32,
    message: Reply,
    /// `stop`.
    finish_reason: &'static str,
    #[schema(value_type = Option<Object>)]
    logprobs: (),
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reply {
    /// `assistant`.
    role: &'static str,
    /// The whole new file.
    content: String,
    #[schema(value_type = Option<String>)]
    refusal: (),
}

/// Estimated tokens.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// Makes one edit, in the form of OpenAI's chat completions.
///
/// What is refused is an error with status 422: an answer is always the whole new file. With `stream` the answer comes
/// in chunks once the edit has been made. Problems have a member `error` in OpenAI's form beside the usual ones.
#[utoipa::path(post, path = "/v1/chat/completions", operation_id = "createChatCompletion", tag = "drop-in", request_body = ChatRequest,
    params(("Prefer" = Option<String>, Header, description = "`wait=S` (RFC 7240)")),
    responses((status = 200, description = "Events with `stream`", content((Completion = "application/json"), (String = "text/event-stream"))),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn completions(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    headers: HeaderMap,
    body: Text,
) -> Result<Response, Problem> {
    complete(&gateway, &caller, &headers, &body).await.map_err(Problem::for_openai)
}

async fn complete(
    gateway: &Gateway,
    caller: &Caller,
    headers: &HeaderMap,
    body: &Text,
) -> Result<Response, Problem> {
    let request: ChatRequest = body.json()?;
    let edit = Edit { language: request.language, ..edit_in(&request.messages)? };
    let model = request.model.unwrap_or_else(|| BOOSTER.to_owned());
    let booster = gateway.booster_of(&model).await?;
    let applied = gateway.edit(caller, &booster, &edit, wait_of(headers)).await?;
    let completion = Completion::new(model, applied)?;
    if request.stream.unwrap_or(false) {
        let usage = request.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
        return Ok(stream_of(&completion, usage));
    }
    Ok(Json(completion).into_response())
}

/// The edit in the last of the user's messages that has one.
fn edit_in(messages: &[Message]) -> Result<Edit, Problem> {
    let users = messages.iter().rev().filter(|message| message.role == "user");
    let texts = users.filter_map(|message| message.content.as_ref()).map(Content::text);
    let mut edits = texts.filter_map(|text| {
        let (code, update) = tagged(&text)?;
        Some(Edit {
            code: code.to_owned(),
            edit: update.to_owned(),
            language: None,
            path: None,
            format: None,
            min_confidence: None,
        })
    });
    edits.next().ok_or_else(|| {
        let detail = "no message of the user has `<code>…</code>` and behind it `<update>…</update>`";
        Problem::new(StatusCode::BAD_REQUEST, "edit_missing", detail)
    })
}

/// What stands between the tags. The code ends where the update begins, and the update with the last of its tags, since
/// either may hold the same tags as text.
fn tagged(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("<code>")?;
    let (code, update) = rest.match_indices("</code>").find_map(|(end, tag)| {
        let update = rest[end + tag.len()..].trim_start().strip_prefix("<update>")?;
        Some((&rest[..end], update))
    })?;
    let (update, _) = update.rsplit_once("</update>")?;
    Some((without_first_break(code), without_first_break(update)))
}

/// A line break behind the opening tag belongs to the tag; one before the closing tag ends the last line.
fn without_first_break(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

impl Completion {
    fn new(model: String, applied: Applied) -> Result<Self, Problem> {
        let Some(content) = applied.output else {
            let reason = applied.reason.unwrap_or_default();
            let message = applied.message.map(|message| format!(": {message}")).unwrap_or_default();
            let detail = format!("the edit was not made ({reason}{message})");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "edit_refused", detail)
                .with_refusal(applied.refusal));
        };
        let tokens = applied.tokens;
        Ok(Self {
            id: format!("chatcmpl-{}", applied.id),
            object: "chat.completion",
            created: now_ms() / 1000,
            model,
            choices: vec![Choice {
                index: 0,
                message: Reply { role: "assistant", content, refusal: () },
                finish_reason: "stop",
                logprobs: (),
            }],
            usage: Usage {
                prompt_tokens: tokens.input,
                completion_tokens: tokens.output,
                total_tokens: tokens.input + tokens.output,
            },
            confidence: applied.confidence,
            strategy: applied.strategy,
            latency: applied.latency,
        })
    }

    /// One chunk of a stream.
    fn chunk(&self, delta: serde_json::Value, finish: Option<&str>) -> Event {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }]);
        self.event(&choices, None)
    }

    fn event(&self, choices: &serde_json::Value, usage: Option<Usage>) -> Event {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = json!(usage);
        }
        Event::default().data(chunk.to_string())
    }
}

fn stream_of(completion: &Completion, with_usage: bool) -> Response {
    let content = completion.choices.first().map_or("", |choice| choice.message.content.as_str());
    let mut events = vec![completion.chunk(json!({ "role": "assistant", "content": "" }), None)];
    events.extend(parts(content).map(|part| completion.chunk(json!({ "content": part }), None)));
    events.push(completion.chunk(json!({}), Some("stop")));
    if with_usage {
        events.push(completion.event(&json!([]), Some(completion.usage)));
    }
    events.push(Event::default().data("[DONE]"));
    Sse::new(stream::iter(events.into_iter().map(Ok::<_, Infallible>))).into_response()
}

/// A text in parts of at most [`CHUNK`] bytes, never inside of a character.
fn parts(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (part, left) = rest.split_at(rest.floor_char_boundary(CHUNK));
        rest = left;
        (!part.is_empty()).then_some(part)
    })
}

/// A model in OpenAI's form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Model {
    /// A booster's name.
    id: String,
    /// `model`.
    object: &'static str,
    /// 0: boosters do not say when they were made.
    created: u64,
    /// `booster-fleet`.
    owned_by: &'static str,
}

/// All models.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelList {
    /// `list`.
    object: &'static str,
    data: Vec<Model>,
}

/// Lists the boosters that make edits, in OpenAI's form.
#[utoipa::path(get, path = "/v1/models", operation_id = "listModels", tag = "drop-in",
    responses((status = 200, body = ModelList),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn models(State(gateway): State<Arc<Gateway>>) -> Result<Json<ModelList>, Problem> {
    let model = |id| Model { id, object: "model", created: 0, owned_by: "booster-fleet" };
    let data = gateway.editors().await?.into_iter().map(model).collect();
    Ok(Json(ModelList { object: "list", data }))
}

impl Gateway {
    /// The names of the boosters that make edits.
    async fn editors(&self) -> Result<Vec<String>, Problem> {
        let boosters = self.client.boosters().await?;
        let edits = |manifest: &&Manifest| manifest.capabilities.iter().any(|one| one == CAPABILITY);
        let mut names: Vec<String> =
            boosters.manifests().filter(edits).map(|manifest| manifest.name.clone()).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The booster that a model's name means.
    async fn booster_of(&self, model: &str) -> Result<String, Problem> {
        let known = self.editors().await?.into_iter().find(|name| name == model);
        Ok(known.unwrap_or_else(|| BOOSTER.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_update_are_what_stands_between_the_tags() {
        for (text, code, update) in [
            ("<instruction>i</instruction><code>a\nb\n</code><update>c</update>", "a\nb\n", "c"),
            ("please <code>\na\n</code>\n<update>\nc\n</update> now", "a\n", "c\n"),
            (
                "<code>x <code>y</code> z</code> <update><update>u</update></update>",
                "x <code>y</code> z",
                "<update>u</update>",
            ),
            ("<code></code><update></update>", "", ""),
        ] {
            assert_eq!(tagged(text), Some((code, update)), "{text}");
        }
        for wrong in [
            "",
            "<code>a</code>",
            "<update>a</update>",
            "<code>a</code> x <update>b</update>",
            "<code>a</code><update>b",
        ] {
            assert_eq!(tagged(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_last_message_with_an_edit_counts() {
        let messages: Vec<Message> = serde_json::from_str(
            r#"[{"role":"system","content":"<code>s</code><update>s</update>"},
                {"role":"user","content":"<code>1</code><update>1</update>"},
                {"role":"user","content":[{"type":"text","text":"<code>2</code>"},{"type":"text","text":"<update>3</update>"}]},
                {"role":"assistant","content":null},
                {"role":"user","content":"thanks"}]"#,
        )
        .unwrap();
        let edit = edit_in(&messages).unwrap();
        assert_eq!((edit.code.as_str(), edit.edit.as_str()), ("2", "3"));
        assert_eq!(edit_in(&messages[4..]).unwrap_err().code, "edit_missing");
    }

    #[test]
    fn parts_are_bounded_and_whole() {
        let text = "äöü".repeat(3000);
        let parts: Vec<&str> = parts(&text).collect();
        assert!(parts.len() > 3 && parts.iter().all(|part| part.len() <= CHUNK));
        assert_eq!(parts.concat(), text);
    }
}
