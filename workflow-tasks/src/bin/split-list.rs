//! Lambda behind the `SplitList` state.

use workflow_tasks::{Function, lambda, split_list};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start(Function::SplitList).await?;
    lambda::serve(|input| split_list::handle(&cx, input)).await
}
