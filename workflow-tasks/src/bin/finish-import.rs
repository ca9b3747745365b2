//! Lambda behind the `FinishImport` state.

use workflow_tasks::{Function, finish_import, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::FinishImport).await?;
    lambda::serve(|input| finish_import::handle(&cx, input)).await
}
