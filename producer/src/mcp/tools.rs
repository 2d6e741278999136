//! The tools: their parameters, descriptions and answers.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::schema_for_output;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, Implementation, ServerCapabilities, ServerConfig};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::{BatchAnswer, EditAnswer, Failure};
use super::editor::{Edit, Editor};
use super::{fleet, markdown};
use crate::client::Client;

/// Most edits of one call.
const MAX_EDITS: usize = 1000;

/// What the server says of itself to an agent.
const INSTRUCTIONS: &str = "Applies code edits to files by their syntax, without a model: show the changed definition, \
or the code around a change with `// ... existing code ...` for what stays. An edit that is not certain enough leaves \
its file alone and says why; then show more context, or edit the file in another way.";

/// The tools of one server; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    editor: Arc<Editor>,
    tool_router: ToolRouter<Self>,
}

/// Parameters of `agent_booster_edit_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EditFile {
    /// Path of the file to modify: absolute under one of the roots, or relative to the first root
    target_filepath: String,
    /// First-person instruction, such as "I will add error handling"; for the reader, the edit alone decides
    instructions: String,
    /// The edit: the changed definition, or code with "// ... existing code ..." for unchanged sections, or
    /// SEARCH/REPLACE blocks, or a unified diff
    code_edit: String,
    /// Programming language; the file's extension says it when absent
    #[serde(default)]
    language: Option<String>,
    /// Only say what the edit would do
    #[serde(default)]
    dry_run: bool,
}

/// Parameters of `agent_booster_batch_edit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BatchEdit {
    /// The edits, applied one after another; one that fails does not stop the others
    #[schemars(length(min = 1, max = 1000))]
    edits: Vec<Edit>,
    /// Only say what each edit would do to the files as they are
    #[serde(default)]
    dry_run: bool,
}

/// Parameters of `agent_booster_parse_markdown`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ParseMarkdown {
    /// Markdown with fenced code blocks that begin with ```LANGUAGE filepath=PATH instruction=TEXT
    markdown: String,
    /// Only say what each edit would do to the files as they are
    #[serde(default)]
    dry_run: bool,
}

/// No parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[tool_router]
impl Tools {
    /// The tools of an editor.
    pub(crate) fn new(editor: Editor) -> Self {
        Self { editor: Arc::new(editor), tool_router: Self::tool_router() }
    }

    /// Edits one file in place, by its syntax and without a model. The file is written only when the edit is certain
    /// enough; else it stays as it is and the answer says why.
    #[tool(
        output_schema = schema_for_output::<EditAnswer>(),
        annotations(title = "Edit a file", read_only_hint = false, destructive_hint = true, open_world_hint = false)
    )]
    async fn agent_booster_edit_file(&self, Parameters(call): Parameters<EditFile>) -> CallToolResult {
        let EditFile { target_filepath, instructions, code_edit, language, dry_run } = call;
        let edit = Edit { target_filepath, instructions, code_edit, language };
        self.editor.edit(edit, dry_run).await.into_result()
    }

    /// Edits several files, or one file several times, one edit after another. Each file is written only when its edit
    /// is certain enough; the answer has one result for each edit.
    #[tool(
        output_schema = schema_for_output::<BatchAnswer>(),
        annotations(title = "Edit files", read_only_hint = false, destructive_hint = true, open_world_hint = false)
    )]
    async fn agent_booster_batch_edit(&self, Parameters(call): Parameters<BatchEdit>) -> CallToolResult {
        self.batch(call.edits, call.dry_run).await
    }

    /// Applies the edits in a Markdown text: each fenced code block with filepath= and instruction= in its first line
    /// is an edit of that file, as in agent_booster_batch_edit. Other blocks are ignored.
    #[tool(
        output_schema = schema_for_output::<BatchAnswer>(),
        annotations(
            title = "Apply edits from Markdown",
            read_only_hint = false,
            destructive_hint = true,
            open_world_hint = false
        )
    )]
    async fn agent_booster_parse_markdown(
        &self,
        Parameters(call): Parameters<ParseMarkdown>,
    ) -> CallToolResult {
        match markdown::edits(&call.markdown) {
            Ok(edits) => self.batch(edits, call.dry_run).await,
            Err(failure) => failure.into_result(),
        }
    }

    /// Submits a job to the fleet: a booster's name or a capability, and its input. Waits for the outcome when
    /// wait_seconds is given.
    #[tool(annotations(title = "Submit a job", read_only_hint = false, destructive_hint = false))]
    async fn booster_submit(&self, Parameters(call): Parameters<fleet::Submit>) -> CallToolResult {
        self.with_fleet(|client| Box::pin(async move { fleet::submit(client, &call).await })).await
    }

    /// Says what is known of a job of the fleet: its state and, once it has ended, its outcome.
    #[tool(annotations(title = "Look at a job", read_only_hint = true))]
    async fn booster_status(&self, Parameters(call): Parameters<fleet::Status>) -> CallToolResult {
        self.with_fleet(|client| Box::pin(async move { fleet::status(client, &call).await })).await
    }

    /// Says how the fleet is: its queues with their counts, and the slots of its workers.
    #[tool(annotations(title = "Look at the fleet", read_only_hint = true))]
    async fn booster_pool(&self, Parameters(Nothing {}): Parameters<Nothing>) -> CallToolResult {
        self.with_fleet(|client| Box::pin(fleet::pool(client))).await
    }

    async fn batch(&self, edits: Vec<Edit>, dry_run: bool) -> CallToolResult {
        if !(1..=MAX_EDITS).contains(&edits.len()) {
            let message = format!("{} edits; a call takes 1 to {MAX_EDITS}", edits.len());
            return Failure::new("usage", message).into_result();
        }
        let mut results = Vec::with_capacity(edits.len());
        for edit in edits {
            results.push(self.editor.edit(edit, dry_run).await);
        }
        BatchAnswer::new(results).into_result()
    }

    async fn with_fleet<'a>(
        &'a self,
        ask: impl FnOnce(&'a Client) -> BoxFuture<'a, Result<CallToolResult, Failure>>,
    ) -> CallToolResult {
        let Some(client) = self.editor.engine().client() else {
            let message = "this server runs edits by itself; start it with `booster mcp --fleet --redis-url URL` to \
                           reach a fleet";
            return Failure::new("no_fleet", message).into_result();
        };
        ask(client).await.unwrap_or_else(Failure::into_result)
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info = Implementation::new("booster-fleet", env!("CARGO_PKG_VERSION"));
        info.instructions = Some(INSTRUCTIONS.into());
        info
    }
}
