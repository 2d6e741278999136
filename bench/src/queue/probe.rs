//! What is asked of a contender's Redis, with the probe's own commands left out of the counts.

use std::time::Duration;

use booster_producer::ClientError;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How long Redis may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long Redis may take to come to rest.
const REST_LIMIT: Duration = Duration::from_secs(120);

/// A connection that counts its own commands.
#[derive(Debug)]
pub struct Probe {
    connection: MultiplexedConnection,
    own: u64,
}

impl Probe {
    /// Connects to the server at `url`.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when it does not answer.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        let client = redis::Client::open(url).map_err(fault)?;
        // Redis may be busy for long when much is written at once.
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_LIMIT));
        let connection = client.get_multiplexed_async_connection_with_config(&config).await.map_err(fault)?;
        Ok(Self { connection, own: 0 })
    }

    /// Commands that this probe has sent.
    pub fn own(&self) -> u64 {
        self.own
    }

    /// One number; 0 where there is nothing.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn number(&mut self, command: &[String]) -> Result<u64, ClientError> {
        let mut asked = redis::Cmd::new();
        asked.arg(command);
        self.own += 1;
        let found: Option<u64> = asked.query_async(&mut self.connection).await.map_err(fault)?;
        Ok(found.unwrap_or(0))
    }

    /// Commands that Redis has run so far, those of scripts among them, without this probe's.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn commands(&mut self) -> Result<u64, ClientError> {
        // INFO counts itself when it has ended.
        let own = self.own;
        let info = self.info("commandstats").await?;
        let calls = info
            .lines()
            .filter_map(|line| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok());
        Ok(calls.sum::<u64>().saturating_sub(own))
    }

    /// Bytes that Redis uses.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn memory(&mut self) -> Result<f64, ClientError> {
        Ok(field(&self.info("memory").await?, "used_memory").parse().unwrap_or(0.0))
    }

    /// Waits until no append-only file is being rewritten and buffers have been given back.
    ///
    /// # Errors
    /// A Redis error, or [`ClientError::Machine`] when it takes too long.
    pub async fn rest(&mut self) -> Result<(), ClientError> {
        let end = std::time::Instant::now() + REST_LIMIT;
        loop {
            sleep(Duration::from_millis(500)).await;
            let info = self.info("persistence").await?;
            let busy = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"];
            if busy.iter().all(|name| matches!(field(&info, name), "0" | "")) {
                return Ok(());
            }
            if std::time::Instant::now() > end {
                return Err(ClientError::machine(
                    "redis-server",
                    "still rewrites its file after two minutes",
                ));
            }
        }
    }

    /// Turns the automatic rewrite of the append-only file off.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn never_rewrite(&mut self) -> Result<(), ClientError> {
        self.own += 1;
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("auto-aof-rewrite-percentage").arg(0);
        command.query_async(&mut self.connection).await.map_err(fault)
    }

    /// The server's version.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn version(&mut self) -> Result<String, ClientError> {
        Ok(field(&self.info("server").await?, "redis_version").to_owned())
    }

    async fn info(&mut self, section: &str) -> Result<String, ClientError> {
        self.own += 1;
        redis::cmd("INFO").arg(section).query_async(&mut self.connection).await.map_err(fault)
    }
}

fn field<'a>(info: &'a str, name: &str) -> &'a str {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default().trim()
}

fn fault(error: redis::RedisError) -> ClientError {
    ClientError::machine("redis", error)
}

/// Counts the commands that clients send, by MONITOR: Redis' own counters do not tell them from those of scripts.
#[derive(Debug)]
pub struct Monitor {
    counting: JoinHandle<u64>,
    stop: tokio::sync::oneshot::Sender<()>,
}

/// Bytes of a line in which the mark of a script's command is found.
const HEAD: usize = 64;

impl Monitor {
    /// Begins to count on the server at `url`, which is `redis://HOST:PORT`.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when it does not answer.
    pub async fn start(url: &str) -> Result<Self, ClientError> {
        let address = url.trim_start_matches("redis://");
        let failed = |error: std::io::Error| ClientError::machine("MONITOR", error);
        let mut stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.write_all(b"MONITOR\r\n").await.map_err(failed)?;
        // After the answer everything is seen.
        let mut answer = [0; b"+OK\r\n".len()];
        stream.read_exact(&mut answer).await.map_err(failed)?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        Ok(Self { counting: tokio::spawn(count(stream, stopped)), stop })
    }

    /// Ends the count and returns it.
    pub async fn end(self) -> u64 {
        // What was sent shortly before is still on its way.
        sleep(Duration::from_millis(200)).await;
        let _ = self.stop.send(());
        self.counting.await.unwrap_or(0)
    }
}

async fn count(mut stream: TcpStream, mut stopped: tokio::sync::oneshot::Receiver<()>) -> u64 {
    let mut lines = Lines::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = tokio::select! {
            _ = &mut stopped => return lines.clients,
            read = stream.read(&mut buffer) => read,
        };
        match read {
            Ok(0) | Err(_) => return lines.clients,
            Ok(read) => lines.take(&buffer[..read]),
        }
    }
}

/// Lines of MONITOR as they come in pieces.
#[derive(Default)]
struct Lines {
    head: Vec<u8>,
    clients: u64,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = HEAD.saturating_sub(self.head.len()).min(part.len());
            self.head.extend_from_slice(&part[..room]);
            if part.ends_with(b"\n") {
                // The first square brackets have the database and the client's address, or `lua`.
                let place = self.head.split(|byte| *byte == b'[').nth(1);
                let place = place.and_then(|rest| rest.split(|byte| *byte == b']').next());
                self.clients += u64::from(place.is_some_and(|place| !place.ends_with(b" lua")));
                self.head.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_scripts_are_not_those_of_clients() {
        let text = b"+1.5 [0 127.0.0.1:5] \"EVALSHA\" \"[0 lua]\"\r\n+1.6 [0 lua] \"GET\" \"a\"\r\n+1.7 [0 ";
        let mut lines = Lines::default();
        for piece in text.chunks(7) {
            lines.take(piece);
        }
        lines.take(b"127.0.0.1:5] \"PING\"\r\n");
        assert_eq!(lines.clients, 2);
    }
}
