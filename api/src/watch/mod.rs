//! What is read for the watchers of draws, below the handlers: a draw with its events, its executions, and the cache of public
//! reads. Handlers reach it through [`AppState`](crate::AppState).

mod cache;
mod draw;
mod event;
mod events;
mod executions;

pub(crate) use cache::Cache;
pub(crate) use draw::WatchedDraw;
pub(crate) use event::PublicEvent;
pub(crate) use executions::Executions;
