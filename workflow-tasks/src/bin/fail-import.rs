//! Lambda behind the `FailImport` state.

use workflow_tasks::{Function, fail_import, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::FailImport).await?;
    lambda::serve(|input| fail_import::handle(&cx, input)).await
}
