//! The local stack as a program: the whole system until Ctrl-C, a demonstration, or a linter of definitions.

mod cli;
mod lint;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use local_stack::{Stack, Storage, demo};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};

/// Of the many small things that an execution is made of, it makes a sixth more a second than glibc's (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code when the stack does not start.
const NOT_STARTED: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The demonstration shows the draw; other events are logged only if that is asked for.
    let level = if cli.command.is_some() { "warn" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start threads: {error}")),
    };
    match cli.command {
        Some(Command::Demo) => match runtime.block_on(demo::run(&mut io::stdout())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        },
        Some(Command::Lint { files }) => lint::run(&files, &mut io::stdout().lock()),
        None => runtime.block_on(serve(cli.options)),
    }
}

async fn serve(options: cli::Options) -> ExitCode {
    let config = match options.into_config() {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    let in_memory = config.storage == Storage::Memory;
    let stack = match Stack::start(config).await {
        Ok(stack) => stack,
        Err(error) => return fail(&error.to_string()),
    };
    // Before the stack says that it runs: a signal that follows at once must not kill it.
    let mut signals = match StopSignals::take() {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("cannot wait for signals: {error}")),
    };
    // A closed output is ignored: the stack stays usable.
    let _ = greet(&stack, in_memory);
    tokio::select! {
        () = signals.wait() => {}
        never = print_new_tokens(stack.tokens.clone(), stack.token_file.is_some()) => match never {},
    }
    if let Some(bill) = stack.bill().await {
        let _ = writeln!(io::stdout(), "On AWS            {bill}");
    }
    stack.shutdown().await;
    ExitCode::SUCCESS
}

fn greet(stack: &Stack, in_memory: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "API and page      {}", stack.api_url)?;
    writeln!(out, "AWS endpoint      {}", stack.aws_url)?;
    match &stack.token_file {
        Some(path) => writeln!(out, "organiser's token in {}", path.display())?,
        None => writeln!(out, "organiser's token {}", stack.token)?,
    }
    if in_memory {
        writeln!(out, "Nothing is kept: everything is gone with this process.")?;
    }
    writeln!(out, "Ctrl-C stops.")?;
    out.flush()
}

/// Prints each new token, unless there is a file to find it in.
async fn print_new_tokens(mut tokens: watch::Receiver<String>, has_file: bool) -> std::convert::Infallible {
    tokens.mark_unchanged();
    while !has_file && tokens.changed().await.is_ok() {
        // A closed output is ignored: the stack stays usable.
        let _ = writeln!(io::stdout(), "organiser's token {}", *tokens.borrow_and_update());
    }
    std::future::pending().await
}

/// The signals that stop the stack, which no longer kill the process once they are taken.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn take() -> io::Result<Self> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: signal(interrupt)?, terminate: signal(terminate)? })
    }

    /// Waits for one of them.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn fail(sentence: &str) -> ExitCode {
    // Nobody is left to tell if this fails.
    let _ = writeln!(io::stderr(), "local-stack: {sentence}");
    ExitCode::from(NOT_STARTED)
}
