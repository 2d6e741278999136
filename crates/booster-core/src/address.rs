//! Redis addresses: one server, a master that Sentinel watches over, or a Cluster.

/// The forms of an address, for `--help` and error messages.
pub const FORM: &str = "redis://[[user:]password@]host[:port][/db] (rediss:// for TLS), unix:///path/to/socket, \
    redis+sentinel://[[user:]password@]host[:port],…/SERVICE[?db=N&sentinelUser=…&sentinelPassword=…] or \
    redis+cluster://[[user:]password@]host[:port],… (rediss+… for TLS)";

/// Servers or sentinels that one address names, at most.
const MAX_HOSTS: usize = 32;
const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;

/// A Redis address, taken apart. Each server in it is an address in the client library's own form, which may hold a
/// password.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// One server.
    Server(String),
    /// A master with replicas; sentinels know which of them it is.
    Sentinel {
        /// The sentinels, with the user and password that they want.
        sentinels: Vec<String>,
        /// User, password and database of the master. The host in it is without meaning.
        master: String,
        /// The name under which the sentinels know the master.
        service: String,
    },
    /// A Cluster, of which some nodes are named.
    Cluster {
        /// The nodes that are asked first.
        nodes: Vec<String>,
    },
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Whatever else is in it may be a password.
        f.write_str(match self {
            Self::Server(_) => "Server",
            Self::Sentinel { .. } => "Sentinel",
            Self::Cluster { .. } => "Cluster",
        })
    }
}

impl Address {
    /// Takes an address apart; `None` when it has none of the forms in [`FORM`]. What stands in a single server's
    /// address is left to the client library.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (family, topology) = scheme.split_once('+').unwrap_or((scheme, ""));
        match (family, topology) {
            ("redis" | "rediss" | "unix", "") | ("redis", "unix") => {
                (!rest.is_empty()).then(|| Self::Server(text.to_owned()))
            }
            ("redis" | "rediss", "sentinel") => Self::sentinel(family, rest),
            ("redis" | "rediss", "cluster") => {
                let (user, hosts) = authority(rest.strip_suffix('/').unwrap_or(rest), SERVER_PORT)?;
                Some(Self::Cluster { nodes: servers(family, user, &hosts) })
            }
            _ => None,
        }
    }

    /// Whether it names a Cluster.
    pub fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster { .. })
    }

    fn sentinel(family: &str, rest: &str) -> Option<Self> {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (named, service) = rest.split_once('/')?;
        let (user, hosts) = authority(named, SENTINEL_PORT)?;
        let is_service = !service.is_empty() && !service.contains(['/', '#', '@', ' ']);
        if !is_service {
            return None;
        }
        let (mut db, mut name, mut password) = (0_u32, "", "");
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=')? {
                ("db", value) => db = value.parse().ok()?,
                ("sentinelUser", value) => name = value,
                ("sentinelPassword", value) => password = value,
                _ => return None,
            }
        }
        if [name, password].iter().any(|word| word.contains(['@', ':', '/', '?', '#'])) {
            return None;
        }
        let at_sentinels = if password.is_empty() { String::new() } else { format!("{name}:{password}@") };
        Some(Self::Sentinel {
            sentinels: servers(family, &at_sentinels, &hosts),
            master: format!("{family}://{user}{}/{db}", hosts[0]),
            service: service.to_owned(),
        })
    }
}

/// User and password with their `@`, as they stand there, and the hosts, each with a port.
fn authority(text: &str, port: u16) -> Option<(&str, Vec<String>)> {
    let (user, list) = text.rfind('@').map_or(("", text), |at| text.split_at(at + 1));
    if user.contains(['/', '?', '#']) {
        return None;
    }
    let hosts: Vec<String> = list.split(',').map(|host| with_port(host, port)).collect::<Option<_>>()?;
    (hosts.len() <= MAX_HOSTS).then_some((user, hosts))
}

fn with_port(host: &str, port: u16) -> Option<String> {
    // The colons of an IPv6 address stand in brackets.
    let end_of_name = host.rfind(']').map_or(0, |bracket| bracket + 1);
    let (name, port) = match host[end_of_name..].find(':') {
        Some(colon) => (&host[..end_of_name + colon], host[end_of_name + colon + 1..].parse().ok()?),
        None => (host, port),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_[]:".contains(c);
    (!name.is_empty() && port > 0 && name.chars().all(is_name)).then(|| format!("{name}:{port}"))
}

fn servers(family: &str, user: &str, hosts: &[String]) -> Vec<String> {
    hosts.iter().map(|host| format!("{family}://{user}{host}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_servers_are_left_to_the_client_library() {
        for text in
            ["redis://h", "rediss://u:p@h:1/2", "unix:///run/redis.sock", "redis+unix:///run/redis.sock"]
        {
            assert_eq!(Address::parse(text), Some(Address::Server(text.into())));
        }
    }

    #[test]
    fn sentinels_and_master_have_users_of_their_own() {
        let text = "rediss+sentinel://u:p%40@a:1,b,[::1]/fleet?db=3&sentinelUser=s&sentinelPassword=q";
        let expected = Address::Sentinel {
            sentinels: ["a:1", "b:26379", "[::1]:26379"].map(|host| format!("rediss://s:q@{host}")).to_vec(),
            master: "rediss://u:p%40@a:1/3".into(),
            service: "fleet".into(),
        };
        assert_eq!(Address::parse(text), Some(expected));
        let plain = Address::parse("redis+sentinel://a/fleet");
        assert!(matches!(plain, Some(Address::Sentinel { master, .. }) if master == "redis://a:26379/0"));
    }

    #[test]
    fn a_cluster_names_some_of_its_nodes() {
        let nodes = vec!["redis://:p@a:7000".to_owned(), "redis://:p@b:6379".to_owned()];
        for text in ["redis+cluster://:p@a:7000,b", "redis+cluster://:p@a:7000,b/"] {
            assert_eq!(Address::parse(text), Some(Address::Cluster { nodes: nodes.clone() }));
        }
    }

    #[test]
    fn anything_else_is_no_address() {
        for text in [
            "",
            "redis://",
            "http://h",
            "redis+sentinel://a",
            "redis+sentinel://a/",
            "redis+sentinel://a/x/y",
            "redis+sentinel:///fleet",
            "redis+sentinel://a/fleet?db=x",
            "redis+sentinel://a/fleet?color=red",
            "redis+sentinel://a/fleet?sentinelPassword=p@x",
            "redis+cluster://a,,b",
            "redis+cluster://a:0",
            "redis+cluster://a:70000",
            "redis+cluster://a/1",
            "redis+cluster://a?db=1",
            "unix+cluster://a",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
