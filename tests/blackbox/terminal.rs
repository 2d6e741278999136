//! What only a terminal shows: `booster top` and colours, in tmux.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use booster_tests::{Boosters, Fleet, eventually, program_path, within};
use tempfile::TempDir;

/// A tmux server of one's own with one window of 80 by 24.
struct Terminal {
    dir: TempDir,
}

impl Terminal {
    /// Opens it with a shell in it.
    fn open(environment: &[(&str, &str)]) -> Self {
        let terminal = Self { dir: tempfile::tempdir().unwrap() };
        let mut arguments = vec!["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"];
        let variables: Vec<String> =
            environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for variable in &variables {
            arguments.extend(["-e", variable.as_str()]);
        }
        arguments.extend(["env", "PS1=ready> ", "sh"]);
        let opened = terminal.tmux(&arguments);
        assert!(opened.status.success(), "{opened:?}");
        terminal
    }

    fn socket(&self) -> String {
        self.dir.path().join("tmux").display().to_string()
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-S", &self.socket()]).args(arguments).env_remove("TMUX").env_remove("NO_COLOR");
        command.output().expect("tmux is not installed; run `make test`")
    }

    fn send(&self, keys: &[&str]) {
        assert!(self.tmux(&[&["send-keys", "-t", ":0"], keys].concat()).status.success());
    }

    /// Types a line.
    fn type_line(&self, line: &str) {
        self.send(&["-l", line]);
        self.send(&["Enter"]);
    }

    /// What is on the screen, with the escape sequences of colours if wanted.
    fn screen(&self, colours: bool) -> String {
        let mut arguments = vec!["capture-pane", "-p", "-t", ":0"];
        arguments.extend(colours.then_some("-e"));
        String::from_utf8(self.tmux(&arguments).stdout).unwrap()
    }

    async fn shows(&self, text: &str) -> String {
        let check = || async { Some(self.screen(false)).filter(|screen| screen.contains(text)) };
        within(Duration::from_secs(60), &format!("`{text}` on\n{}", self.screen(false)), check).await
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

fn booster(fleet: &Fleet, arguments: &str) -> String {
    format!("{} --redis-url {} {arguments}", program_path("booster").display(), fleet.config.redis.url)
}

#[tokio::test(flavor = "multi_thread")]
async fn top_shows_a_fleet_at_work_and_leaves_the_terminal_as_it_was() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let id = fleet.submit(r#"{"id":"seen","booster":"noop","input":{}}"#).await;
    fleet.outcome(&id).await;
    let terminal = Terminal::open(&[]);
    terminal.type_line(&format!("stty -a > {}/before", terminal.dir.path().display()));
    terminal.type_line(&booster(&fleet, "top; echo status $?"));
    let screen = terminal.shows("q quits").await;
    assert!(screen.starts_with("booster top"), "{screen}");
    for part in ["queues", "normal", "waiting", "slots", "of 2 busy", "ready", "events"] {
        assert!(screen.contains(part), "{part}:\n{screen}");
    }
    assert_eq!(screen.lines().count(), 24);
    assert!(terminal.shows("task.completed").await.contains("seen"));
    // It goes on by itself.
    let later = fleet.submit(r#"{"id":"later","booster":"faulty","input":{"do":"refuse"}}"#).await;
    fleet.outcome(&later).await;
    terminal.shows("later").await;
    assert!(coloured(&terminal.screen(true)), "a terminal has colours");
    // It is drawn anew for another size.
    terminal.tmux(&["resize-window", "-t", ":0", "-x", "60", "-y", "15"]);
    eventually("the smaller frame", || async {
        Some(()).filter(|()| terminal.screen(false).trim_end().ends_with("q quits"))
    })
    .await;

    terminal.send(&["q"]);
    let screen = terminal.shows("status 0").await;
    assert!(!screen.contains("q quits"), "the screen before is back:\n{screen}");
    terminal.type_line(&format!("stty -a > {}/after", terminal.dir.path().display()));
    terminal.type_line("echo typed $((40 + 2))");
    terminal.shows("typed 42").await;
    same_settings(terminal.dir.path());

    // Ctrl-C ends it in the same way.
    terminal.type_line(&booster(&fleet, "top; echo again $?"));
    terminal.shows("q quits").await;
    terminal.send(&["C-c"]);
    terminal.shows("again 0").await;
    // So does SIGTERM.
    terminal.type_line(&format!("timeout --foreground 3 {}", booster(&fleet, "top; echo ended $?")));
    terminal.shows("ended 124").await;
    terminal.type_line(&format!("stty -a > {}/after; echo stored", terminal.dir.path().display()));
    terminal.shows("\nstored").await;
    same_settings(terminal.dir.path());
    fleet.redis.kill().await;
    terminal.type_line(&booster(&fleet, "top; echo without $?"));
    let screen = terminal.shows("without 69").await;
    assert!(screen.contains("booster up"), "{screen}");
}

/// Whether anything on a screen has a colour of its own.
fn coloured(screen: &str) -> bool {
    let sequences = screen.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m'));
    let mut codes = sequences.flat_map(|(codes, _)| codes.split(';'));
    codes.any(|code| matches!(code.parse(), Ok(30..=38_u8 | 90..=97)))
}

/// The terminal's settings before and after are the same, but for its size.
fn same_settings(dir: &Path) {
    let read = |name: &str| {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        text.split_once("line =").map(|(_, rest)| rest.to_owned()).unwrap()
    };
    assert_eq!(read("before"), read("after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn top_tells_when_redis_goes_away_and_comes_by_text_and_json() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let id = fleet.submit(r#"{"id":"seen","booster":"noop","input":{}}"#).await;
    fleet.outcome(&id).await;
    let once = fleet.booster(&["top", "--once"], "").await;
    assert_eq!((once.status, once.stdout.lines().count()), (0, 24), "{}", once.stderr);
    assert!(once.stdout.contains("/s ended") && !once.stdout.contains('\u{1b}'), "{}", once.stdout);
    let report = fleet.booster(&["top", "--once", "--json"], "").await.json();
    assert!(report[0]["rates"]["normal"]["ended"].is_number(), "{report:?}");
    assert_eq!(report[0]["slots"].as_array().unwrap().len(), 2);
    let normal =
        report[0]["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == "normal").unwrap();
    assert_eq!(normal["done"], 1);

    let terminal = Terminal::open(&[("NO_COLOR", "1")]);
    terminal.type_line(&booster(&fleet, "top"));
    terminal.shows("q quits").await;
    fleet.redis.kill().await;
    terminal.shows("what is shown is old").await;
    let screen = terminal.screen(true);
    assert!(!coloured(&screen), "no colours with NO_COLOR: {screen:?}");
    terminal.send(&["q"]);
    terminal.shows("ready>").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_coloured_on_a_terminal_only_without_no_color() {
    let nobody = booster_producer::local::free_port().unwrap();
    let line = format!("{} --redis-url redis://127.0.0.1:{nobody} queues", program_path("booster").display());
    for (environment, expected) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let terminal = Terminal::open(environment);
        terminal.type_line(&line);
        terminal.shows("start a fleet").await;
        assert_eq!(coloured(&terminal.screen(true)), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_shows_a_bar_with_rate_and_remaining_time() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let jobs = fleet.dir.path().join("jobs.jsonl");
    let lines: Vec<String> = (0..4)
        .map(|n| format!(r#"{{"id":"j{n}","booster":"faulty","input":{{"do":"loop"}},"timeoutMs":3000,"maxRetries":0}}"#))
        .collect();
    std::fs::write(&jobs, lines.join("\n")).unwrap();
    let terminal = Terminal::open(&[]);
    terminal.type_line(&booster(&fleet, &format!("submit --wait {}", jobs.display())));
    let screen = terminal.shows("/4 jobs").await;
    assert!(screen.contains("left") && screen.contains("/s"), "{screen}");
    terminal.shows("4 dead").await;
    fleet.stop().await;
}
