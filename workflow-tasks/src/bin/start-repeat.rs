//! Lambda that the schedules of repeating draws call.

use workflow_tasks::{Function, lambda, start_repeat};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::StartRepeat).await?;
    lambda::serve(|input| start_repeat::handle(&cx, input)).await
}
