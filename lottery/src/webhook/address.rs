//! Where a webhook may be. The service calls addresses that a stranger to its network has named: it must not be talked into
//! calling what only the service itself reaches.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Invalid, Refusal};

/// The most characters of an address.
const MAX_LENGTH: usize = 1000;

/// Which addresses are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// HTTPS, to hosts of the public Internet.
    Public,
    /// Any: for a local stack, whose receivers are beside it.
    Anywhere,
}

/// The address of a webhook. It often holds a key of its receiver, so that it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Parses an address. Whether the name of its host leads to a public address shows only when it is called.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, Invalid> {
        let text = text.trim();
        let refused = || Invalid::from(Refusal::NotWebhookUrl);
        if text.chars().count() > MAX_LENGTH {
            return Err(Refusal::TooLong { most: MAX_LENGTH }.into());
        }
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte));
        let scheme = text.split_once("://").filter(|_| is_plain).ok_or_else(refused)?;
        let rest = match (scheme, reach) {
            (("https", rest), _) | (("http", rest), Reach::Anywhere) => rest,
            _ => return Err(refused()),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = host_of(authority).ok_or_else(refused)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_refused = reach == Reach::Public
            && (literal.is_ok_and(|address| !is_public(address)) || host.eq_ignore_ascii_case("localhost"));
        if is_refused { Err(refused()) } else { Ok(Self(text.to_owned())) }
    }

    /// Its text, to store it and to call it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What can be shown of it: scheme and host. The rest may be a key.
    #[must_use]
    pub fn shown(&self) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("https", &self.0));
        format!("{scheme}://{}", rest.split(['/', '?']).next().unwrap_or_default())
    }
}

/// One that was accepted once and stored.
impl std::str::FromStr for WebhookUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse(text, Reach::Anywhere)
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookUrl")
    }
}

/// The host of an authority without user and with a port that is a number, if at all.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')? + 2;
            let (host, port) = authority.split_at(end);
            host[1..end - 1].parse::<Ipv6Addr>().ok()?;
            (host, port.strip_prefix(':').or(port.is_empty().then_some("443"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "443")),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_host = !host.is_empty() && (host.starts_with('[') || host.bytes().all(is_name));
    (is_host && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(host)
}

/// Whether an address is one of the public Internet: no loopback, no private or shared network, no link-local address (which
/// cloud providers answer with credentials), nothing reserved.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match v4_within(address) {
            Some(address) => is_public_v4(address),
            // Global unicast, without documentation, benchmarking and ORCHID.
            None => {
                let [first, second, ..] = address.segments();
                (0x2000..0x4000).contains(&first)
                    && !(first == 0x2001 && (second < 0x0200 || second == 0x0db8))
                    && first != 0x3fff
            }
        },
    }
}

/// The address that a gateway would call: mapped, NAT64, 6to4.
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_reserved = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !is_reserved
}
