//! Hash slots of a Redis Cluster.

use booster_core::keys::hash_tag;
use redis::{Arg, Cmd};

/// How many there are.
const SLOTS: u16 = 16_384;

/// The slot of a key.
pub(super) fn of_key(key: &[u8]) -> u16 {
    crc16(hash_tag(key)) % SLOTS
}

/// The slot of a command's first key; `None` when it has none, so that any server may do it. All keys of one command
/// share a slot, as those of a queue do.
pub(super) fn of_command(command: &Cmd) -> Option<u16> {
    let mut words = command.args_iter();
    let mut next = || match words.next() {
        Some(Arg::Simple(word)) => Some(word),
        _ => None,
    };
    let name = next()?.to_ascii_uppercase();
    let key = match name.as_slice() {
        b"CLIENT" | b"CLUSTER" | b"CONFIG" | b"INFO" | b"KEYS" | b"PING" | b"PUBLISH" | b"PUBSUB"
        | b"ROLE" | b"SCAN" | b"SCRIPT" | b"TIME" => return None,
        b"EVALSHA" => {
            let keys = (next()?, next()?).1;
            if keys == b"0" {
                return None;
            }
            next()
        }
        b"XGROUP" | b"XINFO" | b"MEMORY" | b"OBJECT" => (next()?, next()).1,
        _ => next(),
    };
    key.map(of_key)
}

/// CRC-16 with the polynomial 0x1021 and no initial value (XMODEM), as the Redis Cluster specification asks for.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte) << 8,
            |crc: u16, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // The first is the specification's own test value, the others are what CLUSTER KEYSLOT of Redis 7.0 says.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(of_key(b"foo"), 12_182);
        assert_eq!(of_key(b"bar"), 5061);
        assert_eq!(of_key(b"swarm:phase-5:{foo}:jobs"), 12_182);
    }

    #[test]
    fn commands_go_where_their_keys_are() {
        let slot = |words: &[&str]| of_command(redis::cmd(words[0]).arg(&words[1..]));
        let here = Some(of_key(b"k"));
        for keyed in [
            &["GET", "k"][..],
            &["hset", "k", "f", "v"],
            &["EVALSHA", "sha", "1", "k", "a"],
            &["XGROUP", "CREATE", "k", "g", "0"],
            &["XINFO", "GROUPS", "k"],
        ] {
            assert_eq!(slot(keyed), here, "{keyed:?}");
        }
        for keyless in
            [&["PING"][..], &["INFO", "server"], &["PUBLISH", "k", "m"], &["EVALSHA", "sha", "0", "a"]]
        {
            assert_eq!(slot(keyless), None, "{keyless:?}");
        }
    }
}
