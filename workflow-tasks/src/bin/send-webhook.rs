//! Lambda behind the queue of the events that webhooks hear of.

use workflow_tasks::{Function, lambda, send_webhook};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::SendWebhook).await?;
    lambda::serve(|input| send_webhook::handle(&cx, input)).await
}
