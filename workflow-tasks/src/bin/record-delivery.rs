//! Lambda that SES's events invoke, beside the state machine.

use workflow_tasks::{Function, lambda, record_delivery};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::RecordDelivery).await?;
    lambda::serve(|input| record_delivery::handle(&cx, input)).await
}
