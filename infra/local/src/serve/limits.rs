//! How much of the machine the two ports may take: connections, time, descriptors.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The most connections of one port, if the machine has descriptors for them.
const MAX_CONNECTIONS: usize = 4096;

/// The fewest, whatever the machine has.
const MIN_CONNECTIONS: usize = 16;

/// Descriptors that are left for files, for calls to relays and functions, and for connections on their way out.
const RESERVED_DESCRIPTORS: u64 = 256;

/// The most descriptors that are asked for: more than both ports can use.
const MAX_DESCRIPTORS: u64 = 65_536;

/// The limits of one port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at the same time.
    pub(crate) max_connections: usize,
    /// Connections of one address that is not the machine's own.
    pub(crate) max_per_address: usize,
    /// From the connection, or the first byte of a request, to the end of the request's head.
    pub(crate) head_timeout: Duration,
    /// Between two requests.
    pub(crate) idle_timeout: Duration,
    /// From one piece of a request's body to the next.
    pub(crate) body_timeout: Duration,
    /// From one piece of an answer that the client takes to the next.
    pub(crate) write_timeout: Duration,
}

impl Limits {
    /// The limits of a port in a process that may have so many descriptors.
    pub(crate) fn of_descriptors(descriptors: u64) -> Limits {
        let reserved = RESERVED_DESCRIPTORS.min(descriptors / 4);
        let half = usize::try_from((descriptors - reserved) / 2).unwrap_or(MAX_CONNECTIONS);
        let max_connections = half.clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        Limits {
            max_connections,
            // Everybody behind one router has one address.
            max_per_address: max_connections / 2,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
        }
    }
}

/// Raises the soft limit of open descriptors to the hard one, and gives how many there may be.
pub(crate) fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(MAX_DESCRIPTORS).min(MAX_DESCRIPTORS);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, current, wanted, "the limit of open files could not be raised");
            current
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ports_fit_into_the_descriptors_with_some_to_spare() {
        for descriptors in [1_024, 4_096, 65_536, u64::MAX] {
            let limits = Limits::of_descriptors(descriptors);
            assert!(limits.max_connections as u64 * 2 <= descriptors - 256, "{descriptors}");
        }
        assert_eq!(Limits::of_descriptors(1_024).max_connections, 384);
        assert_eq!(Limits::of_descriptors(65_536).max_connections, 4_096);
        assert_eq!(Limits::of_descriptors(20).max_connections, 16);
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let descriptors = raise_descriptors();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current.unwrap_or(u64::MAX), descriptors);
        assert!(limit.current >= limit.maximum.map(|most| most.min(MAX_DESCRIPTORS)));
    }
}
