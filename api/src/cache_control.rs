//! The rules by which browsers and shared caches, such as CloudFront, cache the responses of this service.
//!
//! | response | rule |
//! | --- | --- |
//! | a draw, its events and winners while it is under way | [`CacheRule::UnderWay`]: shared for 1 s |
//! | lists of lotteries and draws | [`CacheRule::List`]: shared for 2 s |
//! | a draw that has ended, its masked winners | [`CacheRule::Ended`]: shared for 10 s, since a winner may withdraw |
//! | proof, entries, inclusions and odds that cannot change any more | [`CacheRule::Lasting`]: a day |
//! | files of the page under the tag of their build | [`CacheRule::Immutable`]: a year |
//! | the page itself | [`CacheRule::Page`]: shared for 10 s |
//! | files of the page without a tag | [`CacheRule::Revalidated`]: asked about each time |
//! | the OpenAPI document | [`CacheRule::Document`]: five minutes |
//! | winners in full | [`CacheRule::Private`]: not cached |
//! | all else: participants, receipts, the ledger, failures, responses to writes, health | `no-store`, set by the edge |
//!
//! A browser asks about everything but the lasting and immutable ones each time and is answered 304 by the tag; a
//! shared cache absorbs those who ask within the same seconds. So a watcher sees what is at most as old as the rule says,
//! plus the freshness of this process. A publicly cached response is the same with and without a token; where a token
//! changes the response, it says `private` and varies by `Authorization`. A shared cache has to take `Authorization`,
//! `Accept`, `Last-Event-ID` and the query into its key.

use std::time::Duration;

/// How long this process keeps what never changes, if there is room.
pub(crate) const LASTING: Duration = Duration::from_secs(60 * 60);

/// How long a response may be cached, and by which caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheRule {
    /// It may change at any time.
    UnderWay,
    /// A list, to which something may be added.
    List,
    /// A draw that has ended: it changes by a withdrawal, or when messages are sent again.
    Ended,
    /// It never changes.
    Lasting,
    /// Its address names its content.
    Immutable,
    /// The page, which names the files of its build.
    Page,
    /// It changes with the build.
    Revalidated,
    /// Changes with the build; an old copy does no harm.
    Document,
    /// Depends on a token: for the caller alone, and not cached.
    Private,
}

impl CacheRule {
    /// The value of `Cache-Control`.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::UnderWay => "public, max-age=0, s-maxage=1",
            Self::List => "public, max-age=0, s-maxage=2",
            Self::Ended => "public, max-age=0, s-maxage=10",
            Self::Lasting => "public, max-age=3600, s-maxage=86400",
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Page => "public, max-age=0, s-maxage=10",
            Self::Revalidated => "public, no-cache",
            Self::Document => "public, max-age=60, s-maxage=300",
            Self::Private => "private, no-store",
        }
    }

    /// The value of `Vary`. People are shown the page where programs get the data.
    pub(crate) fn varies_by(self) -> &'static str {
        match self {
            Self::UnderWay | Self::List | Self::Ended | Self::Private => {
                "accept, authorization, last-event-id"
            }
            _ => "accept",
        }
    }

    /// For how long this process takes what it has read for current, where `freshness` is that of a draw under way.
    pub(crate) fn lifetime(self, freshness: Duration) -> Duration {
        match self {
            Self::UnderWay | Self::List => freshness,
            Self::Ended => freshness * 8,
            Self::Private => Duration::ZERO,
            _ => LASTING,
        }
    }
}
