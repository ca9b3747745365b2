//! Lambda behind the `ReleaseWinners` state.

use workflow_tasks::{Function, lambda, release_winners};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::ReleaseWinners).await?;
    lambda::serve(|input| release_winners::handle(&cx, input)).await
}
