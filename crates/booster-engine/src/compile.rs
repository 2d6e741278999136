//! Compiling modules, here or in a process of its own.
//!
//! Compile time lies outside wasmtime's security promise: a module may make the compiler slow or hungry. A fleet's
//! programs therefore compile what they do not know in a child process with limits. The child is the same program,
//! started with [`COMPILE_ARGUMENT`]; it reads an order and a module from its standard input, and answers on its
//! standard output.

use std::hash::{Hash, Hasher};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use booster_core::Manifest;
use booster_core::digest::hex;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::WASMTIME_VERSION;
use crate::runtime::{Tuning, compiling_engine, snapshot_engine};
use crate::snapshot::{self, Watchdog};

/// The one argument of a program that is started to compile a module; see [`compile_child`].
pub const COMPILE_ARGUMENT: &str = "--compile-module";

/// Wall-clock time of a compiling process.
const MOST_TIME: Duration = Duration::from_secs(180);
/// Its CPU time, seconds. Cranelift uses all cores.
const MOST_CPU: u64 = 300;
/// Its data besides the memory of the warmed-up module, bytes.
const MOST_DATA: u64 = 3 << 30;
/// Largest compiled module, bytes.
const MOST_CODE: u64 = 1 << 30;

/// Whether this program's `main` began with [`compile_child`].
static CAN_BE_CHILD: AtomicBool = AtomicBool::new(false);

/// Where modules are compiled that the cache does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// In this process.
    Here,
    /// In a process of its own, by this program, whose `main` begins with [`compile_child`].
    Child(PathBuf),
}

impl Compiler {
    /// A child of the running program, if that knows how to be one.
    pub(crate) fn of_this_program() -> Self {
        match std::env::current_exe() {
            Ok(program) if CAN_BE_CHILD.load(Ordering::Relaxed) => Self::Child(program),
            _ => Self::Here,
        }
    }

    pub(crate) fn compile(&self, order: &Order, wasm: &[u8]) -> Result<Compiled, String> {
        match self {
            Self::Here => compile(order, wasm),
            Self::Child(program) => in_child(program, order, wasm),
        }
    }
}

/// What is to be compiled, besides the module itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Inputs of the warm-up, JSON texts; none for no snapshot.
    warm_up: Vec<String>,
    /// Memory of the module while it warms up, bytes.
    memory_limit: usize,
    tuning: Tuning,
}

/// A compiled module.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// wasmtime's serialised form.
    pub(crate) code: Vec<u8>,
    /// Why its instances start cold, when the warm-up failed.
    pub(crate) cold: Option<String>,
}

/// The first line of a child's answer.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    error: Option<String>,
    cold: Option<String>,
}

impl Order {
    pub(crate) fn new(manifest: &Manifest, memory_limit: usize, tuning: Tuning) -> Self {
        let warm_up = manifest.warm_up.iter().map(ToString::to_string).collect();
        Self { warm_up, memory_limit, tuning }
    }

    /// What the compiled module is called in the cache: a digest of all that it depends on.
    pub(crate) fn cache_name(&self, wasm: &[u8]) -> Result<String, String> {
        let engine = compiling_engine(self.tuning).map_err(|error| error.to_string())?;
        let mut hasher = Digesting(Sha256::new());
        WASMTIME_VERSION.hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        (&self.warm_up, self.memory_limit, wasm).hash(&mut hasher);
        Ok(hex(hasher.0.finalize()))
    }
}

/// Feeds what is hashed into SHA-256.
struct Digesting(Sha256);

impl Hasher for Digesting {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is taken as a whole")
    }
}

/// Compiles a module in this process, after taking its warm snapshot.
fn compile(order: &Order, wasm: &[u8]) -> Result<Compiled, String> {
    let (image, cold) = match warm_image(order, wasm) {
        Ok(image) => (image, None),
        Err(reason) => (None, Some(reason)),
    };
    let engine = compiling_engine(order.tuning).map_err(|error| error.to_string())?;
    let code = engine
        .precompile_component(image.as_deref().unwrap_or(wasm))
        .map_err(|error| format!("{error:#}"))?;
    Ok(Compiled { code, cold })
}

/// The snapshotted component, or `None` when no warm-up is asked for, or why there is none.
fn warm_image(order: &Order, wasm: &[u8]) -> Result<Option<Vec<u8>>, String> {
    if order.warm_up.is_empty() {
        return Ok(None);
    }
    let engine = snapshot_engine().map_err(|error| error.to_string())?;
    let _watchdog = Watchdog::start(&engine);
    snapshot::warm(&engine, wasm, &order.warm_up, order.memory_limit)
        .map(Some)
        .map_err(|error| format!("{error:#}"))
}

fn in_child(program: &PathBuf, order: &Order, wasm: &[u8]) -> Result<Compiled, String> {
    let failed = |error: io::Error| format!("the compiling process: {error}");
    let mut child = Command::new(program)
        .arg(COMPILE_ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let answered = converse(&mut child, order, wasm);
    // Once it has answered it has nothing left to do; when it has not, its time is over.
    let _ = child.kill();
    let status = child.wait().map_err(failed)?;
    answered.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            format!("the compiling process took longer than {} s", MOST_TIME.as_secs())
        }
        io::ErrorKind::Other => error.to_string(),
        _ => format!("the compiling process ended early ({status}): {error}"),
    })
}

/// Sends the order and the module, and reads the answer.
fn converse(child: &mut Child, order: &Order, wasm: &[u8]) -> io::Result<Compiled> {
    let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let (sender, answer) = mpsc::channel();
    // The reader ends when the child does, and the child is killed in any case.
    std::thread::spawn(move || sender.send(read_answer(stdout)));
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    stdin.write_all(&line)?;
    stdin.write_all(wasm)?;
    drop(stdin);
    answer.recv_timeout(MOST_TIME).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

fn read_answer(stdout: impl Read) -> io::Result<Compiled> {
    let mut stdout = BufReader::new(stdout.take(MOST_CODE));
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let answer: Answer = serde_json::from_str(&line)?;
    if let Some(error) = answer.error {
        return Err(io::Error::other(error));
    }
    let mut code = Vec::new();
    stdout.read_to_end(&mut code)?;
    Ok(Compiled { code, cold: answer.cold })
}

/// Does the work of a compiling process and ends it, when that is what this process was started for. The first
/// thing in a program's `main`, before it has threads. A program that never calls this compiles in its own process.
pub fn compile_child() {
    CAN_BE_CHILD.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|argument| argument == COMPILE_ARGUMENT) && arguments.next().is_none() {
        let ended = serve_order().map_or(1, |()| 0);
        std::process::exit(ended);
    }
}

fn serve_order() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    input.read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let mut wasm = Vec::new();
    input.read_to_end(&mut wasm)?;
    limit_this_process(order.memory_limit)?;
    let (answer, code) = match compile(&order, &wasm) {
        Ok(compiled) => (Answer { error: None, cold: compiled.cold }, compiled.code),
        Err(error) => (Answer { error: Some(error), cold: None }, Vec::new()),
    };
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &answer)?;
    output.write_all(b"\n")?;
    output.write_all(&code)?;
    output.flush()
}

/// Limits on memory, time and files that a module cannot make its compiler exceed.
fn limit_this_process(memory_limit: usize) -> io::Result<()> {
    let limits = [
        (Resource::Data, MOST_DATA + memory_limit as u64),
        (Resource::Cpu, MOST_CPU),
        (Resource::Core, 0),
        (Resource::Fsize, MOST_CODE),
        (Resource::Nofile, 64),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
