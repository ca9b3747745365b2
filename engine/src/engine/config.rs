//! [`Config`]: what an engine is started with.

use std::sync::Arc;

use super::{ExecutionLog, ExecutionObserver, Invoker, NoServices};
use crate::clock::Clock;
use crate::mocks::Mocks;
use crate::model::Storage;

/// What [`crate::Engine::start`] needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where executions and their histories are kept.
    pub storage: Storage,
    /// The region in the ARNs that the engine gives out, such as `us-east-1`.
    pub region: String,
    /// The account in the ARNs that the engine gives out: twelve digits.
    pub account: String,
    /// Where the engine reads the time.
    pub clock: Clock,
    /// Who does the work of Task states.
    pub invoker: Arc<dyn Invoker>,
    /// Test cases, by which executions get answers in place of services.
    pub mocks: Option<Arc<Mocks>>,
    /// Who takes the log of executions whose machine has a `loggingConfiguration`.
    pub execution_log: Option<Arc<dyn ExecutionLog>>,
    /// Who learns of executions that start and end.
    pub observer: Option<Arc<dyn ExecutionObserver>>,
    /// By what the time of Wait states is multiplied in executions that start from now on; `None` is by 1.
    pub wait_scale: Option<f64>,
}

impl Config {
    /// An engine in memory without services, such as an example or a test wants: the system's clock, region `us-east-1`,
    /// account `123456789012`. Task states may use activities, task tokens and nested executions.
    pub fn in_memory() -> Config {
        Config {
            storage: Storage::Memory,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            clock: Clock::system(),
            invoker: Arc::new(NoServices),
            mocks: None,
            execution_log: None,
            observer: None,
            wait_scale: None,
        }
    }
}
