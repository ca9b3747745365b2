//! Lambda behind the `StampCommitment` state.

use workflow_tasks::{Function, lambda, stamp_commitment};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::StampCommitment).await?;
    lambda::serve(|input| stamp_commitment::handle(&cx, input)).await
}
