//! Lambda behind the `ImportBatch` state.

use workflow_tasks::{Function, import_batch, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::ImportBatch).await?;
    lambda::serve(|input| import_batch::handle(&cx, input)).await
}
