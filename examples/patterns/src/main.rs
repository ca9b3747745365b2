//! Runs each pattern in a local stack of its own and prints, state by state, what happened. `PYTHON` names the Python
//! that has boto3; without it, `python3` is asked.

use example_patterns::Python;
use local_stack::CallLog;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let python = Python::with_boto3(program.into()).await;
    example_patterns::run(&mut std::io::stdout().lock(), python.as_ref(), &CallLog::default()).await
}
