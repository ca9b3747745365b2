//! How often one caller may call: a token bucket per caller address and class of route, in this process.
//!
//! On AWS the stage's own throttling stands before it; this one keeps a single caller from using up the rest.

use std::collections::HashMap;
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
}

/// Above this many buckets the full ones are dropped: they say nothing that a new one would not.
const BUCKETS: usize = 20_000;

/// The buckets of all callers.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: RateLimits,
    buckets: Mutex<HashMap<(IpAddr, RateClass), Bucket>>,
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

    /// Takes one call, or answers how many seconds it takes until there is one.
    pub(crate) fn take(&self, caller: IpAddr, class: RateClass, now: Timestamp) -> Result<(), u64> {
        let rate = self.rate(class);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS {
            self.drop_full(&mut buckets, now);
        }
        let bucket =
            buckets.entry((network(caller), class)).or_insert(Bucket { calls: rate.burst, filled_at: now });
        *bucket = bucket.filled(rate, now);
        if bucket.calls >= 1.0 {
            bucket.calls -= 1.0;
            return Ok(());
        }
        Err(((1.0 - bucket.calls) / rate.per_second).ceil().max(1.0) as u64)
    }

    fn rate(&self, class: RateClass) -> Rate {
        match class {
            RateClass::Read => self.limits.read,
            RateClass::Write => self.limits.write,
            RateClass::Join => self.limits.join,
        }
    }

    fn drop_full(&self, buckets: &mut HashMap<(IpAddr, RateClass), Bucket>, now: Timestamp) {
        buckets.retain(|(_, class), bucket| {
            let rate = self.rate(*class);
            bucket.filled(rate, now).calls < rate.burst
        });
        if buckets.len() >= BUCKETS {
            // So many busy callers at once: forgetting them is better than growing without end.
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

/// One household has a whole IPv6 network of 64 bits; it counts as one caller.
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
        Limiter::new(RateLimits { read: rate, write: rate, join: rate })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_taken_then_refused_then_refilled_with_time() {
        let (limiter, caller, start) = (limiter(), address("192.0.2.1"), Timestamp::UNIX_EPOCH);
        for _ in 0..3 {
            assert_eq!(limiter.take(caller, RateClass::Read, start), Ok(()));
        }
        assert_eq!(limiter.take(caller, RateClass::Read, start), Err(1));
        let later = start + SignedDuration::from_millis(500);
        assert_eq!(limiter.take(caller, RateClass::Read, later), Ok(()));
        assert_eq!(limiter.take(caller, RateClass::Read, later), Err(1));
    }

    #[test]
    fn callers_and_classes_are_counted_apart() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        for _ in 0..3 {
            limiter.take(address("192.0.2.1"), RateClass::Write, now).unwrap();
        }
        assert!(limiter.take(address("192.0.2.1"), RateClass::Write, now).is_err());
        assert!(limiter.take(address("192.0.2.1"), RateClass::Read, now).is_ok());
        assert!(limiter.take(address("192.0.2.2"), RateClass::Write, now).is_ok());
    }

    #[test]
    fn one_ipv6_network_is_one_caller() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        for host in 1..=3 {
            limiter.take(address(&format!("2001:db8::{host}")), RateClass::Read, now).unwrap();
        }
        assert!(limiter.take(address("2001:db8::4"), RateClass::Read, now).is_err());
        assert!(limiter.take(address("2001:db8:0:1::4"), RateClass::Read, now).is_ok());
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let (limiter, now) = (limiter(), Timestamp::UNIX_EPOCH);
        for n in 0..(BUCKETS as u32 + 100) {
            let _ = limiter.take(IpAddr::V4(n.into()), RateClass::Read, now);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= BUCKETS);
    }
}
