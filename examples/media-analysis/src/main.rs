//! Starts a local stack with the example, has five videos analysed, and prints state by state what happened.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = example_media_analysis::config()?;
    example_media_analysis::run(config, &mut std::io::stdout().lock()).await
}
