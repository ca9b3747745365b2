//! Lambda behind the `CheckRelease` state.

use workflow_tasks::{Function, check_release, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::CheckRelease).await?;
    lambda::serve(|input| check_release::handle(&cx, input)).await
}
