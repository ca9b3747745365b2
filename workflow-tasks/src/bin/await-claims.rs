//! Lambda behind the `AwaitClaims` state.

use workflow_tasks::{Function, await_claims, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::AwaitClaims).await?;
    lambda::serve(|input| await_claims::handle(&cx, input)).await
}
