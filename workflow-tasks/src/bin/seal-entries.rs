//! Lambda behind the `SealEntries` state.

use workflow_tasks::{Function, lambda, seal_entries};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start_signing(Function::SealEntries).await?;
    lambda::serve(|input| seal_entries::handle(&cx, input)).await
}
