//! Lambda behind the `NotifyOrganiser` state.

use workflow_tasks::{Function, lambda, notify_organiser};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::NotifyOrganiser).await?;
    lambda::serve(|input| notify_organiser::handle(&cx, input)).await
}
