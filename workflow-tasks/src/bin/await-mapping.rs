//! Lambda behind the `AwaitMapping` state.

use workflow_tasks::{Function, await_mapping, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::AwaitMapping).await?;
    lambda::serve(|input| await_mapping::handle(&cx, input)).await
}
