//! The edit engine of Booster Fleet: applies an edit as AI agents write it to a source file, or says why it will not.
//!
//! The engine is a pure function of its input: no clock, no input or output, no randomness, and no panic on any input.
//! A wrong file reported as success is the worst outcome, so whatever is not certain enough is refused with a
//! machine-readable [`Reason`].
//!
//! [`apply_json`] is the booster's contract (JSON in, JSON out), [`apply`] the same for Rust callers. [`accept`] judges a
//! new file that somebody else made.

mod align;
mod cleanup;
mod confidence;
mod counterparts;
mod cut;
mod describe;
mod formats;
mod fragment;
mod imports;
mod indent;
mod insert;
mod language;
mod leads;
mod locate;
mod markers;
mod merge;
mod original;
mod outline;
mod output;
mod partial;
mod pieces;
mod plan;
mod region;
mod request;
mod similarity;
mod splice;
mod syntax;
mod text;
mod whole;

use formats::Format;
use fragment::Cleaned;
use original::Original;
use plan::Plan;
use splice::Splice;
use text::Text;

pub use confidence::strategy_group;
pub use language::Language;
pub use output::{Applied, Candidate, Reason, Refusal, TextEdit};
pub use request::{DEFAULT_MIN_CONFIDENCE, MAX_BYTES, Request};

/// Applies one edit given as the `apply` booster's JSON input and returns its JSON output, or the JSON of a refusal.
///
/// The same function runs natively and inside the sandboxed guest: pure, deterministic, no clock, no I/O, no
/// randomness, never panics on any input.
pub fn apply_json(input: &str) -> Result<String, String> {
    let input = request::Input::from_json(input).map_err(|refusal| refusal.to_json())?;
    match apply(&input.request()) {
        Ok(applied) => Ok(applied.to_json()),
        Err(refusal) => Err(refusal.to_json()),
    }
}

/// Applies one edit.
pub fn apply(request: &Request<'_>) -> Result<Applied, Refusal> {
    check_sizes(request)?;
    let text = Text::new(request.code);
    let named = request.format.map(Format::from_name).transpose()?.flatten();
    let format = named.unwrap_or_else(|| Format::recognise(request.edit));
    let done = match format {
        Format::Code => code_edit(request, &text)?,
        Format::WholeFile => whole_file(request, &text)?,
        Format::SearchReplace => line_edit(
            request,
            &text,
            formats::search_replace::plan(&text.lf, &unix(request.edit), request.path),
        )?,
        Format::UnifiedDiff => {
            line_edit(request, &text, formats::unified::plan(&text.lf, &unix(request.edit), request.path))?
        }
        Format::Patch => {
            line_edit(request, &text, formats::patch::plan(&text.lf, &unix(request.edit), request.path))?
        }
    };
    finish(request, &text, done)
}

/// A planned edit and the language it was planned in.
struct Done {
    plan: Plan,
    language: Option<Language>,
}

/// Judges a whole new file that somebody else made in answer to `request`, such as a language model, by the rule that the
/// engine's own results obey: it may not have more syntax errors than the original. The edit itself and `min_confidence`
/// are not looked at. Where the language is not known, there is nothing to count.
///
/// # Errors
/// [`Reason::EditEmpty`] for an empty file, [`Reason::TargetNotFound`] for the original itself, [`Reason::TooLarge`],
/// [`Reason::SyntaxError`].
pub fn accept(request: &Request<'_>, output: &str) -> Result<Applied, Refusal> {
    if output.trim().is_empty() && !request.code.trim().is_empty() {
        return Err(Refusal::new(Reason::EditEmpty, "the result is empty"));
    }
    check_sizes(&Request { edit: output, ..*request })?;
    let text = Text::new(request.code);
    let new = unix(output);
    if new == text.lf {
        return Err(Refusal::new(Reason::TargetNotFound, "the result is the original, unchanged"));
    }
    let mut plan = Plan::of("whole-file");
    plan.lower(WHOLE_FILE);
    plan.splices.push(Splice::new(0..text.lf.len(), new));
    let named = request.language.and_then(Language::from_name);
    let parsed = match named.or_else(|| request.path.and_then(Language::from_path)) {
        Some(language) => Some(language::parse_as(&text.lf, language)?),
        None => language::parse_original(&text.lf, None, None).ok(),
    };
    let language = match parsed {
        Some(parsed) => {
            let original = Original::new(&text.lf, parsed);
            refuse_new_errors(&original, &plan)?;
            Some(original.language)
        }
        None => None,
    };
    let request = Request { min_confidence: Some(0.0), ..*request };
    finish(&request, &text, Done { plan, language })
}

/// How well a whole new file matches by itself.
const WHOLE_FILE: f64 = 0.95;

fn check_sizes(request: &Request<'_>) -> Result<(), Refusal> {
    for (name, text) in [("code", request.code), ("edit", request.edit)] {
        if text.len() > MAX_BYTES {
            return Err(Refusal::new(
                Reason::TooLarge,
                format!("`{name}` has {} bytes; at most {MAX_BYTES} are accepted", text.len()),
            ));
        }
    }
    if request.edit.trim().is_empty() {
        return Err(Refusal::new(Reason::EditEmpty, "`edit` contains nothing"));
    }
    Ok(())
}

/// An edit with `\n` line ends.
fn unix(edit: &str) -> String {
    edit.replace("\r\n", "\n")
}

/// Checks a plan that was made without a grammar: where the language is known, the result must still parse.
fn line_edit(request: &Request<'_>, text: &Text<'_>, plan: Result<Plan, Refusal>) -> Result<Done, Refusal> {
    let plan = plan?;
    let named = request.language.and_then(Language::from_name);
    let Some(language) = named.or_else(|| request.path.and_then(Language::from_path)) else {
        return Ok(Done { plan, language: None });
    };
    let parsed = language::parse_as(&text.lf, language)?;
    let original = Original::new(&text.lf, parsed);
    refuse_new_errors(&original, &plan)?;
    Ok(Done { plan, language: Some(original.language) })
}

fn refuse_new_errors(original: &Original<'_>, plan: &Plan) -> Result<(), Refusal> {
    if original.added_errors(plan.splices.clone())? == 0 {
        return Ok(());
    }
    Err(Refusal::new(Reason::SyntaxError, "the result would have more syntax errors than the original"))
}

/// Replaces the whole file by the edit.
fn whole_file(request: &Request<'_>, text: &Text<'_>) -> Result<Done, Refusal> {
    let mut edit = cleanup::strip_chatter(request.edit);
    if cleanup::has_conflict_markers(&edit, &text.lf) {
        return Err(conflict());
    }
    let ends = text.lf.is_empty() || text.lf.ends_with('\n');
    edit.truncate(edit.trim_end_matches('\n').len());
    if ends {
        edit.push('\n');
    }
    let mut plan = Plan::of("whole-file");
    plan.lower(WHOLE_FILE);
    plan.splices.push(Splice::new(0..text.lf.len(), edit));
    line_edit(request, text, Ok(plan))
}

fn conflict() -> Refusal {
    Refusal::new(Reason::ConflictMarkers, "the edit contains unresolved merge conflict markers")
}

/// Applies an edit that is written as code.
fn code_edit(request: &Request<'_>, text: &Text<'_>) -> Result<Done, Refusal> {
    let edit = cleanup::strip_chatter(request.edit);
    if cleanup::has_conflict_markers(&edit, &text.lf) {
        return Err(conflict());
    }
    let parsed = language::parse_original(&text.lf, request.language, request.path)?;
    let original = Original::new(&text.lf, parsed);
    let edit = indent::match_style(&edit, original.text());
    let cleaned = Cleaned::new(&edit, original.text(), Some(original.language));
    if cleaned.lines.is_empty() {
        return Err(Refusal::new(Reason::EditEmpty, "the edit contains no code"));
    }
    let plan = merge::plan(&original, &cleaned)?;
    refuse_new_errors(&original, &plan)?;
    if merge::leaves_marker(&plan, &cleaned, original.text()) {
        return Err(Refusal::new(
            Reason::Ambiguous,
            "one of the edit's markers does not say what it stands for",
        ));
    }
    let changes = splice::sorted(plan.splices.clone(), original.text()).unwrap_or_default();
    let changes = splice::minimise(original.text(), &changes);
    if changes.is_empty() && !merge::shows_nothing_new(&cleaned, original.text()) {
        return Err(Refusal::new(
            Reason::TargetNotFound,
            "the edit shows something new, but applying it would change nothing",
        ));
    }
    Ok(Done { plan, language: Some(original.language) })
}

/// Turns a plan into the result, or refuses it for being too uncertain.
fn finish(request: &Request<'_>, text: &Text<'_>, done: Done) -> Result<Applied, Refusal> {
    let score = (done.plan.confidence * 10_000.0).round() / 10_000.0;
    let confidence = confidence::of(done.plan.strategy, score);
    let least = request.min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE);
    if confidence < least {
        return Err(Refusal::new(
            Reason::LowConfidence,
            format!("the best result has confidence {confidence}, {least} is asked for"),
        ));
    }
    let overlap = || Refusal::new(Reason::Ambiguous, "two parts of the edit change the same place");
    let splices = splice::sorted(done.plan.splices, &text.lf).ok_or_else(overlap)?;
    let splices = splice::minimise(&text.lf, &splices);
    let edits = splice::text_edits(text, &splices);
    let output = splice::perform_edits(request.code, &edits);
    let path = request.path.unwrap_or("file");
    Ok(Applied {
        confidence,
        score,
        strategy: done.plan.strategy,
        language: done.language,
        input_tokens: output::estimate_tokens(request.code.len() + request.edit.len()),
        output_tokens: output::estimate_tokens(output.len()),
        diff: splice::unified_diff(&text.lf, &splices, path),
        edits,
        output,
    })
}
