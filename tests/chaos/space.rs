//! Workers behind links of their own: a network namespace with a veth pair to this machine.
//!
//! A namespace has no name. It belongs to a process that does nothing, and the kernel removes it with both ends of
//! its link when the last process in it ends; that process ends with this one, whatever ends it. So nothing is
//! left behind.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::Trouble;

/// How long a namespace may take to come up.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How often another network is tried when one is in use on this machine.
const MOST_NETWORKS: u8 = 60;

/// Why namespaces cannot be made here; `None` when they can.
pub(crate) async fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("network namespaces need root".into());
    }
    for (program, arguments) in [("ip", &["-V"][..]), ("unshare", &["--net", "true"]), ("nsenter", &["-V"])] {
        if run(program, arguments).await.is_err() {
            return Some(format!("`{program} {}` fails here", arguments.join(" ")));
        }
    }
    None
}

/// A namespace and its link. Dropping it ends the process that holds it.
#[derive(Debug)]
pub(crate) struct Space {
    holder: Child,
    pid: u32,
    /// The link's end on this machine.
    link: String,
    network: u8,
}

impl Space {
    /// Makes a namespace with a link to this machine. `number` tells the spaces of one run apart.
    pub(crate) async fn open(number: u8) -> Result<Self, Trouble> {
        let holder = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "unshare", "--net", "sleep", "infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = holder.id().ok_or("the namespace's process has ended")?;
        // The name has to be of at most 15 characters, and no other's.
        let link = format!("ch{number}-{pid}");
        let mut space = Self { holder, pid, link, network: 0 };
        space.wait_until_apart().await?;
        space.connect().await?;
        Ok(space)
    }

    /// The address under which workers in here reach this machine.
    pub(crate) fn address(&self) -> String {
        format!("10.213.{}.1", self.network)
    }

    /// What makes a program run in here: it becomes that program.
    pub(crate) fn launcher(&self) -> [String; 3] {
        ["nsenter".into(), format!("--net=/proc/{}/ns/net", self.pid), "--".into()]
    }

    /// Takes the link down, or up again, at this machine's end or at the other.
    pub(crate) async fn set_link(&self, up: bool, here: bool) -> Result<(), Trouble> {
        let state = if up { "up" } else { "down" };
        if here {
            return run("ip", &["link", "set", &self.link, state]).await;
        }
        self.inside(&["ip", "link", "set", "uplink", state]).await
    }

    /// Waits until the process has left this machine's namespace.
    async fn wait_until_apart(&mut self) -> Result<(), Trouble> {
        let deadline = Instant::now() + START_LIMIT;
        let ours = std::fs::read_link("/proc/self/ns/net")?;
        while std::fs::read_link(format!("/proc/{}/ns/net", self.pid))? == ours {
            if Instant::now() > deadline || self.holder.try_wait()?.is_some() {
                return Err("no network namespace can be made".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Trouble> {
        let pid = self.pid.to_string();
        let pair = ["type", "veth", "peer", "name", "uplink", "netns", &pid];
        run("ip", &[&["link", "add", &self.link][..], &pair].concat()).await?;
        self.network = self.free_network().await?;
        let (here, there) =
            (format!("10.213.{}.1/30", self.network), format!("10.213.{}.2/30", self.network));
        run("ip", &["address", "add", &here, "dev", &self.link]).await?;
        run("ip", &["link", "set", &self.link, "up"]).await?;
        self.inside(&["ip", "address", "add", &there, "dev", "uplink"]).await?;
        self.inside(&["ip", "link", "set", "uplink", "up"]).await?;
        self.inside(&["ip", "link", "set", "lo", "up"]).await
    }

    /// A network of four addresses that this machine does not use.
    async fn free_network(&self) -> Result<u8, Trouble> {
        let first = u8::try_from(self.pid % 200).unwrap_or(0);
        for network in first..=first + MOST_NETWORKS.min(255 - first) {
            let output = Command::new("ip").args(["address"]).output().await?;
            let used = String::from_utf8_lossy(&output.stdout).contains(&format!(" 10.213.{network}."));
            if !used {
                return Ok(network);
            }
        }
        Err("all networks of 10.213.0.0/16 are in use".into())
    }

    async fn inside(&self, words: &[&str]) -> Result<(), Trouble> {
        let launcher = self.launcher();
        let mut all: Vec<&str> = launcher[1..].iter().map(String::as_str).collect();
        all.extend(words);
        run(&launcher[0], &all).await
    }
}

async fn run(program: &str, arguments: &[&str]) -> Result<(), Trouble> {
    let output = Command::new(program).args(arguments).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program} {}`: {}", arguments.join(" "), error.trim()).into())
}
