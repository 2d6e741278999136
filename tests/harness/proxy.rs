//! A TCP proxy that delays, stalls, and leaves connections half open.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// Bytes passed on at a time.
const CHUNK: usize = 64 * 1024;

/// What the proxy does to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Passes them on.
    Clear,
    /// Passes them on later.
    Slow(Duration),
    /// Keeps them until the weather changes.
    Still,
}

/// A side of a proxied connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whoever connected.
    Client,
    /// What it wanted to reach.
    Server,
}

/// A proxy to one address. Dropping it closes its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    weather: watch::Sender<Weather>,
    cut: watch::Sender<Option<Side>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Opens a port of the loopback interface whose connections go to `target`.
    ///
    /// # Errors
    /// When the system gives no port.
    pub async fn open(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (weather, sky) = watch::channel(Weather::Clear);
        let (cut, cuts) = watch::channel(None);
        let (target, targets) = watch::channel(target);
        let accepting = tokio::spawn(accept(listener, targets, sky, cuts));
        Ok(Self { address, target, weather, cut, accepting })
    }

    /// Its address for Redis clients.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Changes what happens to bytes from now on.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Sends connections that are made from now on to another address.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// Ends this side of every present connection. The other side is not told: its connection stays open, takes
    /// what is sent, and never answers.
    pub fn cut(&self, side: Side) {
        self.cut.send_replace(Some(side));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: watch::Receiver<SocketAddr>,
    weather: watch::Receiver<Weather>,
    cuts: watch::Receiver<Option<Side>>,
) {
    // Ends with the proxy, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let mut cuts = cuts.clone();
                // Only cuts from now on are meant for this connection.
                cuts.mark_unchanged();
                connections.spawn(carry(client, *target.borrow(), weather.clone(), cuts));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries one connection until both sides have closed it, or one side is cut.
async fn carry(
    mut client: TcpStream,
    target: SocketAddr,
    weather: watch::Receiver<Weather>,
    mut cuts: watch::Receiver<Option<Side>>,
) {
    // Redis is away: the client sees its connection closed.
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let side = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::join!(
                pump(from_client, to_server, weather.clone()),
                pump(from_server, to_client, weather.clone())
            )
        };
        tokio::select! {
            _ = both => return,
            changed = cuts.changed() => if changed.is_ok() { *cuts.borrow() } else { None },
        }
    };
    match side {
        Some(Side::Client) => {
            drop(client);
            swallow(server).await;
        }
        Some(Side::Server) => {
            drop(server);
            swallow(client).await;
        }
        None => {}
    }
}

/// Passes bytes on in one direction until it is closed, which is passed on too.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut weather: watch::Receiver<Weather>) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await.unwrap_or(0);
        let now = *weather.borrow();
        if let Weather::Slow(delay) = now {
            sleep(delay).await;
        }
        if weather.wait_for(|now| *now != Weather::Still).await.is_err() {
            return;
        }
        if read == 0 {
            let _ = to.shutdown().await;
            return;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

/// Takes what still comes, until the other side gives up.
async fn swallow(mut stream: TcpStream) {
    let mut chunk = vec![0; CHUNK];
    while stream.read(&mut chunk).await.is_ok_and(|read| read > 0) {}
}
