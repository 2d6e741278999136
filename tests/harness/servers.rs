//! Redis servers for tests: one alone, a master with replicas under Sentinel, and a Cluster.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use booster_producer::local::{LocalRedis, free_port};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// What went wrong; its text is all that anyone needs of it.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Servers obey `DEBUG SLEEP`.
const DEBUG: [&str; 2] = ["--enable-debug-command", "local"];
/// How long servers may take until they know each other, or until another is master.
const LIMIT: Duration = Duration::from_secs(60);
/// After so long without an answer a server counts as gone, milliseconds.
const GONE_AFTER: &str = "1500";
/// The name under which the sentinels know the master.
const SERVICE: &str = "fleet";
/// Sentinels, of which two have to agree.
const SENTINELS: usize = 3;
/// Hash slots of a Cluster.
const SLOTS: usize = 16_384;

/// A Redis server of one's own in a directory of its own.
#[derive(Debug)]
pub struct Server {
    /// The server.
    pub redis: LocalRedis,
    dir: TempDir,
}

impl Server {
    /// Starts one with more `arguments`.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(arguments: &[&str]) -> Result<Self, Trouble> {
        let dir = tempfile::tempdir()?;
        let mut all = DEBUG.to_vec();
        all.extend(arguments);
        let redis = LocalRedis::start(dir.path(), &all).await?;
        Ok(Self { redis, dir })
    }

    /// Kills the server as a crash of its machine does: what was written within `unsynced` is gone too.
    ///
    /// # Errors
    /// When its files cannot be changed.
    pub async fn crash(&mut self, unsynced: Duration) -> Result<(), Trouble> {
        let before = self.newest_file()?;
        tokio::time::sleep(unsynced).await;
        self.redis.kill().await;
        if let (Some((path, size)), Some((newest, _))) = (before, self.newest_file()?)
            && path == newest
        {
            std::fs::OpenOptions::new().write(true).open(path)?.set_len(size)?;
        }
        Ok(())
    }

    /// The file that the server appends to, and its size.
    fn newest_file(&self) -> Result<Option<(PathBuf, u64)>, Trouble> {
        let mut newest: Option<(PathBuf, u64)> = None;
        for entry in std::fs::read_dir(self.dir.path().join("appendonlydir"))? {
            let path = entry?.path();
            // Their names end with a growing number and `.incr.aof`.
            if path.to_string_lossy().ends_with(".incr.aof")
                && newest.as_ref().is_none_or(|(last, _)| path > *last)
            {
                let size = std::fs::metadata(&path)?.len();
                newest = Some((path, size));
            }
        }
        Ok(newest)
    }
}

/// A master with two replicas under three sentinels. Dropping it kills them all.
#[derive(Debug)]
pub struct Watched {
    servers: Vec<Server>,
    sentinels: Vec<Child>,
    ports: Vec<u16>,
    dir: TempDir,
}

impl Watched {
    /// Starts them and waits until they know each other.
    ///
    /// # Errors
    /// When they do not come up.
    pub async fn start() -> Result<Self, Trouble> {
        let master = Server::start(&[]).await?;
        let at = address(&master.redis.url())?;
        let port = at.port().to_string();
        let mut servers = vec![master];
        for _ in 0..2 {
            servers.push(Server::start(&["--replicaof", "127.0.0.1", &port]).await?);
        }
        let dir = tempfile::tempdir()?;
        let mut watched = Self { servers, sentinels: Vec::new(), ports: Vec::new(), dir };
        for number in 0..SENTINELS {
            watched.start_sentinel(number, &port)?;
        }
        watched.wait_until_known().await?;
        Ok(watched)
    }

    /// Addresses of all servers that hold keys.
    pub fn nodes(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.redis.url()).collect()
    }

    /// The address form that names the sentinels.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/{SERVICE}", hosts.join(","))
    }

    /// Who is master, as a sentinel says.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn master(&self) -> Result<SocketAddr, Trouble> {
        let sentinel = format!("redis://127.0.0.1:{}", self.ports[0]);
        let (host, port): (String, u16) =
            command(&sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).await?;
        Ok(SocketAddr::new(host.parse()?, port))
    }

    /// Kills the master and waits until another is master; its address.
    ///
    /// # Errors
    /// When none is promoted.
    pub async fn fail_over(&mut self) -> Result<SocketAddr, Trouble> {
        let before = self.master().await?;
        for server in &mut self.servers {
            if address(&server.redis.url())? == before {
                server.redis.kill().await;
            }
        }
        self.until_other_than(before).await
    }

    async fn until_other_than(&self, before: SocketAddr) -> Result<SocketAddr, Trouble> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let now = self.master().await?;
            if now != before && role(&format!("redis://{now}")).await.as_deref() == Some("master") {
                return Ok(now);
            }
            patient(deadline, "the sentinels to promote a replica").await?;
        }
    }

    /// Has the sentinels make another server master, while the old one lives on as its replica.
    ///
    /// # Errors
    /// When none is promoted.
    pub async fn hand_over(&self) -> Result<SocketAddr, Trouble> {
        let before = self.master().await?;
        let sentinel = format!("redis://127.0.0.1:{}", self.ports[0]);
        let deadline = Instant::now() + LIMIT;
        // Refused while the failover before it is not over.
        while command::<String>(&sentinel, &["SENTINEL", "FAILOVER", SERVICE]).await.is_err() {
            patient(deadline, "the sentinels to begin").await?;
        }
        self.until_other_than(before).await
    }

    fn start_sentinel(&mut self, number: usize, master: &str) -> Result<(), Trouble> {
        let port = free_port()?;
        let mut text = format!("port {port}\nbind 127.0.0.1\nlogfile \"\"\n");
        writeln!(text, "dir {}", self.dir.path().display())?;
        writeln!(text, "sentinel monitor {SERVICE} 127.0.0.1 {master} 2")?;
        writeln!(text, "sentinel down-after-milliseconds {SERVICE} {GONE_AFTER}")?;
        writeln!(text, "sentinel failover-timeout {SERVICE} 10000")?;
        // A sentinel writes down in this file what it learns.
        let file = self.dir.path().join(format!("sentinel-{number}.conf"));
        std::fs::write(&file, text)?;
        let sentinel = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "redis-server"])
            .arg(file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        self.sentinels.push(sentinel);
        self.ports.push(port);
        Ok(())
    }

    /// Waits until every sentinel knows the others and both replicas.
    async fn wait_until_known(&self) -> Result<(), Trouble> {
        let deadline = Instant::now() + LIMIT;
        let complete = format!("slaves=2,sentinels={SENTINELS}");
        for port in &self.ports {
            let url = format!("redis://127.0.0.1:{port}");
            while !command::<String>(&url, &["INFO", "sentinel"])
                .await
                .is_ok_and(|info| info.contains(&complete))
            {
                patient(deadline, "the sentinels to know each other").await?;
            }
        }
        Ok(())
    }
}

/// A Cluster of three masters with a replica each. Dropping it kills them all.
#[derive(Debug)]
pub struct Cluster {
    /// The masters, then their replicas in the same order.
    servers: Vec<Server>,
}

impl Cluster {
    /// How many masters it has.
    pub const MASTERS: usize = 3;

    /// Starts it and waits until it is whole.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start() -> Result<Self, Trouble> {
        let mut cluster = Self { servers: Vec::new() };
        let mut buses = Vec::new();
        for _ in 0..2 * Self::MASTERS {
            let bus = free_port()?.to_string();
            let arguments =
                ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", GONE_AFTER];
            cluster.servers.push(Server::start(&arguments).await?);
            buses.push(bus);
        }
        let nodes = cluster.nodes();
        for (number, node) in nodes.iter().take(Self::MASTERS).enumerate() {
            let from = (SLOTS * number / Self::MASTERS).to_string();
            let to = (SLOTS * (number + 1) / Self::MASTERS - 1).to_string();
            let _: String = command(node, &["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await?;
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            let port = address(node)?.port().to_string();
            let _: String = command(&nodes[0], &["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await?;
        }
        let deadline = Instant::now() + LIMIT;
        for (master, replica) in nodes.iter().zip(&nodes[Self::MASTERS..]) {
            let id: String = command(master, &["CLUSTER", "MYID"]).await?;
            // Refused until the replica has heard of its master.
            while command::<String>(replica, &["CLUSTER", "REPLICATE", &id]).await.is_err() {
                patient(deadline, "the nodes to know each other").await?;
            }
        }
        for node in &nodes {
            cluster.wait_until_whole(node, deadline).await?;
        }
        Ok(cluster)
    }

    /// Addresses of all nodes.
    pub fn nodes(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.redis.url()).collect()
    }

    /// The address form that names the nodes.
    pub fn url(&self) -> String {
        let hosts: Vec<String> =
            self.nodes().iter().map(|node| node.trim_start_matches("redis://").to_owned()).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Kills a master, waits until its replica is master, and starts it again: it becomes the other's replica.
    ///
    /// # Errors
    /// When the replica is not promoted.
    pub async fn fail_over(&mut self, number: usize) -> Result<(), Trouble> {
        self.servers[number].redis.kill().await;
        let deadline = Instant::now() + LIMIT;
        let replica = self.servers[Self::MASTERS + number].redis.url();
        while role(&replica).await.as_deref() != Some("master") {
            patient(deadline, "a replica to become master").await?;
        }
        self.servers[number].redis.restart().await?;
        for node in [replica, self.servers[number].redis.url()] {
            self.wait_until_whole(&node, deadline).await?;
        }
        Ok(())
    }

    /// Which of the first masters has a key, as long as none was lost.
    ///
    /// # Errors
    /// When the servers do not answer.
    pub async fn master_of(&self, key: &str) -> Result<usize, Trouble> {
        let slot: usize = command(&self.nodes()[0], &["CLUSTER", "KEYSLOT", key]).await?;
        let bounds = (0..Self::MASTERS).map(|number| SLOTS * (number + 1) / Self::MASTERS);
        Ok(bounds.take_while(|bound| *bound <= slot).count())
    }

    async fn wait_until_whole(&self, node: &str, deadline: Instant) -> Result<(), Trouble> {
        let linked = async || {
            let whole =
                command::<String>(node, &["CLUSTER", "INFO"]).await.ok()?.contains("cluster_state:ok");
            let replication: String = command(node, &["INFO", "replication"]).await.ok()?;
            let up = replication.contains("role:master") || replication.contains("master_link_status:up");
            (whole && up).then_some(())
        };
        while linked().await.is_none() {
            patient(deadline, "the cluster to be whole").await?;
        }
        Ok(())
    }
}

/// A server's role; `None` when it does not answer.
async fn role(url: &str) -> Option<String> {
    let role: Vec<redis::Value> = command(url, &["ROLE"]).await.ok()?;
    redis::from_redis_value(role.into_iter().next()?).ok()
}

fn address(url: &str) -> Result<SocketAddr, Trouble> {
    Ok(url.trim_start_matches("redis://").parse()?)
}

async fn patient(deadline: Instant, what: &str) -> Result<(), Trouble> {
    if Instant::now() > deadline {
        return Err(format!("waited {LIMIT:?} for {what}").into());
    }
    sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// Runs a command on a server, on a connection that waits for as long as the command takes.
///
/// # Errors
/// When it does not answer, or with an error.
pub async fn command<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> Result<T, Trouble> {
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
    let mut connection =
        redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?;
    let mut command = redis::cmd(words.first().copied().unwrap_or_default());
    command.arg(words.get(1..).unwrap_or_default());
    Ok(command.query_async(&mut connection).await?)
}
