//! Lambda behind the `DrawWinners` state.

use workflow_tasks::{Function, draw_winners, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::DrawWinners).await?;
    lambda::serve(|input| draw_winners::handle(&cx, input)).await
}
