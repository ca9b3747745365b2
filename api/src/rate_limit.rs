//! How often one caller may call: a token bucket per caller and class of route, in this process.
//!
//! The sender of a valid token is one caller, wherever the calls come from; all others are counted by
//! address. A call to a protected route whose token is missing or does not count spends a bucket of its own, so that
//! other callers do not use up the organiser's calls from the organiser's own network.
//!
//! On Lambda each execution environment is a process with buckets of its own: there this module only keeps one
//! environment from a single caller's burst, and the limit that holds for a whole deployment is the throttling of
//! API Gateway. On a server and in the local stack the process is the deployment, and the rates hold as they are set.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::extract::ConnectInfo;
use http::Extensions;
use jiff::Timestamp;
use lambda_http::request::RequestContext;

use crate::config::{Rate, RateLimits};

/// What a route costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// It reads.
    Read,
    /// It changes something.
    Write,
    /// Anyone may enter a lottery by it.
    Join,
    /// The health check, which is not limited: monitoring may ask from anywhere, however
    /// many others ask.
    Health,
}

/// Who pays for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Payer {
    /// A caller without a valid token, by address.
    Address(IpAddr),
    /// The subject of a token that counts, by its hash.
    Principal(u64),
}

impl Payer {
    /// The callers from this address. One household has a whole IPv6 network of 64 bits; it counts as one caller.
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::Address(network(address))
    }

    /// The subject of a token.
    pub(crate) fn principal(subject: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        subject.hash(&mut hasher);
        Self::Principal(hasher.finish())
    }
}

/// What is counted of a payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// Calls of a class of routes.
    Class(RateClass),
    /// Calls of the class of joining that name a venue's code, right or wrong.
    Venue,
    /// Messages to addresses that callers have only named.
    Message,
    /// Calls to protected routes without a token that counts.
    Unauthenticated,
}

/// Above this many buckets the full ones are dropped: they say nothing that a new one would not.
const BUCKETS: usize = 20_000;

/// The buckets of all callers.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: RateLimits,
    buckets: Mutex<HashMap<(Payer, Counted), Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    calls: f64,
    filled_at: Timestamp,
}

impl Bucket {
    fn filled(self, rate: Rate, now: Timestamp) -> Self {
        let seconds = now.duration_since(self.filled_at).as_secs_f64().max(0.0);
        Self { calls: (self.calls + seconds * rate.per_second).min(rate.burst), filled_at: now }
    }
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { limits, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one call.
    ///
    /// # Errors
    /// The seconds until a call is available.
    pub(crate) fn take(&self, payer: Payer, counted: Counted, now: Timestamp) -> Result<(), u64> {
        let Some(rate) = self.rate(counted) else { return Ok(()) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS {
            self.drop_full(&mut buckets, now);
        }
        let bucket = buckets.entry((payer, counted)).or_insert(Bucket { calls: rate.burst, filled_at: now });
        *bucket = bucket.filled(rate, now);
        if bucket.calls >= 1.0 {
            bucket.calls -= 1.0;
            return Ok(());
        }
        Err(((1.0 - bucket.calls) / rate.per_second).ceil().max(1.0) as u64)
    }

    /// The rate of a kind of call; none if it is not limited.
    fn rate(&self, counted: Counted) -> Option<Rate> {
        match counted {
            Counted::Class(RateClass::Read) => Some(self.limits.read),
            Counted::Class(RateClass::Write) | Counted::Unauthenticated => Some(self.limits.write),
            Counted::Class(RateClass::Join) => Some(self.limits.join),
            Counted::Venue => Some(self.limits.venue),
            Counted::Message => Some(self.limits.message),
            Counted::Class(RateClass::Health) => None,
        }
    }

    fn drop_full(&self, buckets: &mut HashMap<(Payer, Counted), Bucket>, now: Timestamp) {
        buckets.retain(|(_, counted), bucket| {
            self.rate(*counted).is_some_and(|rate| bucket.filled(rate, now).calls < rate.burst)
        });
        if buckets.len() >= BUCKETS {
            // Too many busy callers: forgetting them is better than growing without limit.
            buckets.clear();
        }
    }
}

/// The address of the caller: from the gateway on Lambda, from the connection otherwise. Headers such as
/// `X-Forwarded-For` are the caller's own word and not asked.
pub(crate) fn caller_address(extensions: &Extensions) -> IpAddr {
    let gateway = extensions.get::<RequestContext>().and_then(|context| match context {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref(),
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_deref(),
        _ => None,
    });
    let connection = || extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    gateway
        .and_then(|address| address.parse().ok())
        .or_else(connection)
        .unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

/// The network of 64 bits that an IPv6 address belongs to; an IPv4 address is used as it is.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn limiter() -> Limiter {
        let rate = Rate { per_second: 2.0, burst: 3.0 };
        Limiter::new(RateLimits { read: rate, write: rate, join: rate, venue: rate, message: rate })
    }

    fn address(text: &str) -> Payer {
        Payer::at(text.parse().unwrap())
    }

    #[test]
    fn a_burst_is_taken_then_refused_then_refilled_with_time() {
        let (limiter, caller, start) = (limiter(), address("192.0.2.1"), Timestamp::UNIX_EPOCH);
        for _ in 0..3 {
            assert_eq!(limiter.take(caller, Counted::Class(RateClass::Read), start), Ok(()));
        }
        assert_eq!(limiter.take(caller, Counted::Class(RateClass::Read), start), Err(1));
        let later = start + SignedDuration::from_millis(500);
        assert_eq!(limiter.take(caller, Counted::Class(RateClass::Read), later), Ok(()));
        assert_eq!(limiter.take(caller, Counted::Class(RateClass::Read), later), Err(1));
    }

    #[test]
    fn callers_and_classes_are_counted_apart() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        for _ in 0..3 {
            limiter.take(address("192.0.2.1"), Counted::Class(RateClass::Write), now).unwrap();
        }
        assert!(limiter.take(address("192.0.2.1"), Counted::Class(RateClass::Write), now).is_err());
        assert!(limiter.take(address("192.0.2.1"), Counted::Class(RateClass::Read), now).is_ok());
        assert!(limiter.take(address("192.0.2.2"), Counted::Class(RateClass::Write), now).is_ok());
    }

    #[test]
    fn calls_without_a_token_spend_nothing_of_those_with_one() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        let write = Counted::Class(RateClass::Write);
        while limiter.take(address("192.0.2.1"), Counted::Unauthenticated, now).is_ok() {}
        assert!(limiter.take(address("192.0.2.1"), write, now).is_ok());
        assert!(limiter.take(Payer::principal("organiser"), write, now).is_ok());
    }

    #[test]
    fn one_ipv6_network_is_one_caller() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        for host in 1..=3 {
            limiter
                .take(address(&format!("2001:db8::{host}")), Counted::Class(RateClass::Read), now)
                .unwrap();
        }
        assert!(limiter.take(address("2001:db8::4"), Counted::Class(RateClass::Read), now).is_err());
        assert!(limiter.take(address("2001:db8:0:1::4"), Counted::Class(RateClass::Read), now).is_ok());
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        for n in 0..(BUCKETS as u32 + 100) {
            let _ = limiter.take(Payer::Address(IpAddr::V4(n.into())), Counted::Class(RateClass::Read), now);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= BUCKETS);
    }
}
