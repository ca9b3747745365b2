//! Lambda behind the `FetchBeacon` state.

use workflow_tasks::{Function, fetch_beacon, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::FetchBeacon).await?;
    lambda::serve(|input| fetch_beacon::handle(&cx, input)).await
}
