//! Runs an ASL file and prints how it ended: `cargo run -p asl-engine --example run -- FILE [INPUT]`.

use std::io::Write as _;

use asl_engine::data::Json;
use asl_engine::engine::{NewExecution, NewStateMachine};
use asl_engine::{Config, Engine};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: run FILE [INPUT]")?;
    let input = Json::parse(arguments.next().as_deref().unwrap_or("{}"))?;

    let engine = Engine::start(Config::in_memory()).await?;
    let new = NewStateMachine::standard("example", std::fs::read_to_string(file)?);
    let machine = engine.create_state_machine(new).await?;
    let execution = engine.start_execution(NewExecution::new(&machine.arn, input)).await?;
    let ended = engine.closed(&execution.arn).await?;
    let result = ended.output.map(|output| output.to_text()).or(ended.cause).unwrap_or_default();
    writeln!(std::io::stdout(), "{} {result}", ended.status.as_str())?;
    engine.shutdown().await;
    Ok(())
}
