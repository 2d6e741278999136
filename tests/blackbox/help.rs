//! Help texts are golden files; completions and manual pages know every command.

use std::collections::BTreeMap;
use std::process::Command;

use booster_tests::{run, source_root};

/// Set to `write` to take what the programs say now as right.
const GOLDEN_VARIABLE: &str = "BOOSTER_GOLDEN";

/// The words of every command below `command`, itself included.
fn commands(command: &clap::Command, words: &[&str], found: &mut Vec<Vec<String>>) {
    found.push(words.iter().map(|word| (*word).to_owned()).collect());
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        commands(sub, &[words, &[sub.get_name()]].concat(), found);
    }
}

fn all_commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    commands(&booster_producer::cli::command(), &[], &mut found);
    found
}

/// Every help text by its file's name.
async fn help_texts() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for words in all_commands() {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let output = run("booster", &arguments, "").await;
        assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{words:?}");
        let name = [&["booster".to_owned()][..], &words].concat().join("-");
        texts.insert(format!("{name}.txt"), output.stdout);
    }
    for program in ["booster-worker", "booster-demo"] {
        let output = run(program, &["--help"], "").await;
        assert_eq!(output.status, 0, "{}", output.stderr);
        texts.insert(format!("{program}.txt"), output.stdout);
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn help_texts_are_the_golden_ones() {
    let dir = source_root().join("tests/golden/help");
    let texts = help_texts().await;
    if std::env::var(GOLDEN_VARIABLE).is_ok_and(|value| value == "write") {
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        for (name, text) in &texts {
            std::fs::write(dir.join(name), text).unwrap();
        }
        return;
    }
    let golden: BTreeMap<String, String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    let how = format!(
        "if the change is meant, run this test with {GOLDEN_VARIABLE}=write and look at the difference"
    );
    assert_eq!(texts.keys().collect::<Vec<_>>(), golden.keys().collect::<Vec<_>>(), "{how}");
    for (name, text) in &texts {
        assert_eq!(text, &golden[name], "{name}: {how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prints_for_people_prints_json_too() {
    // Those that print nothing, and those whose output is for a program in any case.
    let without = [
        "completions",
        "fallback done",
        "fallback failed",
        "fallback renew",
        "fallback run",
        "key new",
        "log-level",
        "mcp",
        "openapi",
        "serve",
        "targets",
    ];
    for words in all_commands() {
        let command = words.iter().fold(booster_producer::cli::command(), |command, word| {
            command.find_subcommand(word).unwrap().clone()
        });
        if command.has_subcommands() || without.contains(&words.join(" ").as_str()) {
            continue;
        }
        let json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
        assert!(json, "{words:?} has no --json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_know_every_command_and_are_no_nonsense_to_the_shell() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = run("booster", &["completions", shell], "").await;
        assert_eq!(output.status, 0, "{}", output.stderr);
        for word in ["apply", "schedule", "completions", "--redis-url", "--min-confidence"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(output.stdout.contains(word), "{shell}: {word}");
        }
        let path = dir.path().join(shell);
        std::fs::write(&path, &output.stdout).unwrap();
        // Bash is always there; the others are asked where they are installed.
        match Command::new(shell).arg("-n").arg(&path).output() {
            Ok(checked) => assert!(checked.status.success(), "{shell}: {checked:?}"),
            Err(error) => assert_ne!(shell, "bash", "{error}"),
        }
    }
    let script = format!(
        ". {}/bash; COMP_WORDS=(booster sch); COMP_CWORD=1; _booster booster sch booster; echo \"${{COMPREPLY[@]}}\"",
        dir.path().display()
    );
    let completed = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&completed.stdout).trim(), "schedule", "{completed:?}");
    let wrong = run("booster", &["completions", "tcsh"], "").await;
    assert!(wrong.status == 2 && wrong.stderr.contains("fish"), "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_manual_page_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let man = dir.path().join("man");
    let output = run("booster", &["man", man.to_str().unwrap(), "--json"], "").await;
    assert_eq!(output.status, 0, "{}", output.stderr);
    let pages = output.json()[0]["pages"].as_array().unwrap().len();
    for words in all_commands() {
        let name = [&["booster".to_owned()][..], &words].concat().join("-");
        let page = std::fs::read_to_string(man.join(format!("{name}.1"))).unwrap_or_default();
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
        assert!(words.is_empty() || page.contains(".SH OPTIONS"), "{name}");
    }
    assert!(pages >= all_commands().len(), "{pages} pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_to_do_next_and_have_no_colours_in_a_pipe() {
    let nobody = booster_producer::local::free_port().unwrap();
    let url = format!("redis://127.0.0.1:{nobody}");
    let output = run("booster", &["--redis-url", &url, "queues"], "").await;
    assert_eq!(output.status, 69);
    assert!(output.stderr.contains("booster up") && output.stderr.contains("REDIS_URL"), "{}", output.stderr);
    assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
    let output = run("booster", &["--redis-url", &url, "top"], "").await;
    assert!(output.status == 2 && output.stderr.contains("--once"), "{}", output.stderr);
}
