//! Lambda behind the `NotifyOthers` state.

use workflow_tasks::{Function, lambda, notify_others};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::NotifyOthers).await?;
    lambda::serve(|input| notify_others::handle(&cx, input)).await
}
