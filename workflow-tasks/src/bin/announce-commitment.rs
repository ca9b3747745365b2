//! Lambda behind the `AnnounceCommitment` state.

use workflow_tasks::{Function, announce_commitment, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::AnnounceCommitment).await?;
    lambda::serve(|input| announce_commitment::handle(&cx, input)).await
}
