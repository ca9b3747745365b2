//! Lambda behind the `CheckClaims` state.

use workflow_tasks::{Function, check_claims, lambda};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cx = lambda::start_signing(Function::CheckClaims).await?;
    lambda::serve(|input| check_claims::handle(&cx, input)).await
}
