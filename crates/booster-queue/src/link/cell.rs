//! One connection that many share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::RedisResult;
use redis::aio::MultiplexedConnection;

/// How a connection is made.
type Make = Box<dyn Fn() -> BoxFuture<'static, RedisResult<MultiplexedConnection>> + Send + Sync>;
/// A connection that is there or is being made; everybody who needs it waits for the same attempt.
type Connecting = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// A connection that is made when it is first needed, and made again after it broke.
pub(super) struct Cell {
    make: Make,
    current: Mutex<Current>,
}

struct Current {
    connecting: Connecting,
    /// Which connection this is, so that of many commands that fail with it only the first replaces it.
    number: u64,
}

impl Cell {
    pub(super) fn new(
        make: impl Fn() -> BoxFuture<'static, RedisResult<MultiplexedConnection>> + Send + Sync + 'static,
    ) -> Self {
        let current = Current { connecting: make().shared(), number: 0 };
        Self { make: Box::new(make), current: Mutex::new(current) }
    }

    /// The connection and its number.
    pub(super) async fn get(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let (connecting, number) = {
            let current = self.current();
            (current.connecting.clone(), current.number)
        };
        match connecting.await {
            Ok(connection) => Ok((connection, number)),
            Err(error) => {
                self.replace(number);
                Err(error)
            }
        }
    }

    /// Gives up connection `number`: the next command makes another.
    pub(super) fn replace(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            self.give_up(&mut current);
        }
    }

    /// Gives up whichever connection there is.
    pub(super) fn renew(&self) {
        self.give_up(&mut self.current());
    }

    fn give_up(&self, current: &mut Current) {
        *current = Current { connecting: (self.make)().shared(), number: current.number + 1 };
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
