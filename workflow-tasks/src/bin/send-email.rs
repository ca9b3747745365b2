//! Lambda behind the `SendEmail` state.

use workflow_tasks::{Function, lambda, send_email};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::SendEmail).await?;
    lambda::serve(|input| send_email::handle(&cx, input)).await
}
