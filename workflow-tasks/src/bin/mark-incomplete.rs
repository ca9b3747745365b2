//! Lambda behind the `MarkIncomplete` state.

use workflow_tasks::{Function, lambda, mark_incomplete};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::MarkIncomplete).await?;
    lambda::serve(|input| mark_incomplete::handle(&cx, input)).await
}
