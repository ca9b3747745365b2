//! Lambda that a timer invokes, beside the state machine.

use workflow_tasks::{Function, lambda, reconcile_draws};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::ReconcileDraws).await?;
    lambda::serve(|input| reconcile_draws::handle(&cx, input)).await
}
