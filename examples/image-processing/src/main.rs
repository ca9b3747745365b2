//! Starts a local stack with the example, uploads the pictures, and prints state by state what happened.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = example_image_processing::config("Labels")?;
    example_image_processing::run(config, &mut std::io::stdout().lock()).await
}
