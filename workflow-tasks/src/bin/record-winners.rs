//! Lambda behind the `RecordWinners` state.

use workflow_tasks::{Function, lambda, record_winners};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start_signing(Function::RecordWinners).await?;
    lambda::serve(|input| record_winners::handle(&cx, input)).await
}
