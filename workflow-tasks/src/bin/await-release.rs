//! Lambda behind the `AwaitRelease` state.

use workflow_tasks::{Function, await_release, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::AwaitRelease).await?;
    lambda::serve(|input| await_release::handle(&cx, input)).await
}
