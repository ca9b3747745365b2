//! Lambda behind the `SendSms` state.

use workflow_tasks::{Function, lambda, send_sms};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::SendSms).await?;
    lambda::serve(|input| send_sms::handle(&cx, input)).await
}
