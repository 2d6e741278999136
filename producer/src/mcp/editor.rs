//! Edits files: reads, has the edit applied, and writes what is certain enough.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::answer::{Applied, EditAnswer, Failure};
use super::engine::Engine;
use super::roots::Roots;
use crate::error::ClientError;

/// Edits of different files that go on at the same time, at most.
const TURNS: usize = 64;

/// One edit of one file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// Path of the file to modify: absolute under one of the roots, or relative to the first root
    pub(crate) target_filepath: String,
    /// First-person instruction, such as "I will add error handling"; for the reader, the edit alone decides
    pub(crate) instructions: String,
    /// The edit: the changed definition, or code with "// ... existing code ..." for unchanged sections, or
    /// SEARCH/REPLACE blocks, or a unified diff
    pub(crate) code_edit: String,
    /// Programming language; the file's extension says it when absent
    #[serde(default)]
    pub(crate) language: Option<String>,
}

/// Edits files under its roots.
#[derive(Debug)]
pub(crate) struct Editor {
    roots: Arc<Roots>,
    engine: Arc<Engine>,
    min_confidence: f64,
    /// Edits of one file wait for each other, so that none is lost; each file has its turn by its number.
    turns: [Mutex<()>; TURNS],
}

impl Editor {
    /// An editor that writes nothing with less than `min_confidence`.
    pub(crate) fn new(roots: Roots, engine: Arc<Engine>, min_confidence: f64) -> Self {
        let turns = std::array::from_fn(|_| Mutex::new(()));
        Self { roots: Arc::new(roots), engine, min_confidence, turns }
    }

    /// Where edits run.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Edits one file; a dry run only says what would become of it.
    pub(crate) async fn edit(&self, edit: Edit, dry_run: bool) -> EditAnswer {
        tracing::debug!(path = %edit.target_filepath, instructions = %edit.instructions, "an edit is asked for");
        match self.apply(&edit, dry_run).await {
            Ok((applied, written)) => EditAnswer {
                target_filepath: edit.target_filepath,
                success: true,
                written,
                applied: Some(applied),
                error: None,
            },
            Err(failure) => EditAnswer::failed(edit.target_filepath, failure),
        }
    }

    async fn apply(&self, edit: &Edit, dry_run: bool) -> Result<(Applied, bool), Failure> {
        let (roots, path) = (Arc::clone(&self.roots), edit.target_filepath.clone());
        let place = off_thread(move || roots.find(&path)).await?;
        let _turn = self.turns[place.key() as usize % TURNS].lock().await;
        let file = off_thread(move || place.read(!dry_run)).await?;
        let (output, applied) = self.engine.apply(self.input(edit, &file.text)).await?;
        // The booster was told the limit; what is written does not depend on its having listened.
        if applied.confidence < self.min_confidence {
            let message = format!(
                "the best result has confidence {}, {} is asked for",
                applied.confidence, self.min_confidence
            );
            return Err(Failure::new("low_confidence", message));
        }
        let write = !dry_run && output != file.text;
        if write {
            off_thread(move || file.replace(&output)).await?;
        }
        Ok((applied, write))
    }

    /// The booster's input.
    fn input(&self, edit: &Edit, code: &str) -> String {
        let mut input = serde_json::json!({
            "code": code, "edit": edit.code_edit, "path": edit.target_filepath, "minConfidence": self.min_confidence,
        });
        if let Some(language) = edit.language.as_deref().filter(|language| !language.is_empty()) {
            input["language"] = language.into();
        }
        input.to_string()
    }
}

/// Runs what waits for a disk where it holds up nobody.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::from(ClientError::machine("a thread", error)))?
}
