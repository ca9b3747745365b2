//! Lambda behind the `CompleteDraw` state.

use workflow_tasks::{Function, complete_draw, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::CompleteDraw).await?;
    lambda::serve(|input| complete_draw::handle(&cx, input)).await
}
