//! Lambda behind the `InspectList` state.

use workflow_tasks::{Function, inspect_list, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::InspectList).await?;
    lambda::serve(|input| inspect_list::handle(&cx, input)).await
}
