//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use local_stack::{
    BeaconChoice, Config, Connections, ConnectionsError, EndpointError, Endpoints, Limits, Mocks, Storage,
    Template, TemplateError,
};

/// The serverless lottery in one process: API, Step Functions, DynamoDB, SNS and an inbox. Without a command it
/// runs until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "local-stack", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one whole draw among ten people, in memory, and print what happens
    Demo,
    /// Find what is wrong with state machine definitions; exit with 1 if AWS would refuse one
    Lint {
        /// Files in the Amazon States Language
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Where to serve the API and the page
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where to serve the AWS-compatible endpoint
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    aws_listen: SocketAddr,
    /// Where to keep everything
    #[arg(long, value_name = "DIRECTORY", default_value = ".lottery", conflicts_with = "in_memory")]
    data_dir: PathBuf,
    /// Keep nothing on disk
    #[arg(long)]
    in_memory: bool,
    /// Where to write the organiser's token [default: organiser.token in the data directory]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Run the tasks through this Lambda Invoke API instead of in this process, such as http://127.0.0.1:9000 for
    /// `cargo lambda watch`
    #[arg(long, value_name = "URL", env = "LAMBDA_ENDPOINT")]
    lambda_endpoint: Option<String>,
    /// Send the calls of a service on, signed with your credentials: to a URL, or with SERVICE=aws to AWS itself; the
    /// service as in aws-sdk:SERVICE:action, or * for all that are not here; may be repeated. AWS_ENDPOINT_URL_<SERVICE>
    /// says the same
    #[arg(long, value_name = "SERVICE=URL")]
    endpoint: Vec<String>,
    /// The connections of HTTP Tasks (`http:invoke`): {"Connections": […]} with requests of EventBridge's CreateConnection
    #[arg(long, value_name = "FILE", value_parser = connections)]
    connections: Option<Connections>,
    /// Answer Task states with the test cases of this file, in the format of Step Functions Local; an execution chooses
    /// one by the ARN arn:…:stateMachine:NAME#TESTCASE
    #[arg(long, value_name = "FILE", env = "SFN_MOCK_CONFIG", value_parser = mocks)]
    mock_config: Option<Arc<Mocks>>,
    /// Write the log of executions whose state machine has a loggingConfiguration to this file too, as CloudWatch has it
    #[arg(long, value_name = "FILE")]
    execution_log: Option<PathBuf>,
    /// Multiply the time of Wait states, such as by 0.01
    #[arg(long, value_name = "FACTOR", env = "WAIT_TIME_SCALE", value_parser = scale)]
    wait_time_scale: Option<f64>,
    /// Deliver e-mails for real to this SMTP server, such as smtp://localhost:1025 or smtps://user:password@host
    #[arg(long, value_name = "URL")]
    smtp_url: Option<String>,
    /// Let SNS and SES refuse messages to this phone or e-mail address; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    refuse: Vec<String>,
    /// Keep the quotas of an AWS account: aws-new-account, aws-default, or single settings such as
    /// aws-new-account,lambda-concurrency=20; docs/limits.md lists them
    #[arg(long, value_name = "LIMITS", value_parser = |text: &str| text.parse::<Limits>())]
    limits: Option<Limits>,
    /// Allow functions and state machine what their roles in this template allow, such as infra/template.yaml, and
    /// nothing else
    #[arg(long, value_name = "FILE", value_parser = template)]
    iam: Option<Template>,
    /// Answer for this name of the machine too, such as host.docker.internal; may be repeated. Requests for other
    /// names are refused, as they may come from a web page
    #[arg(long, value_name = "NAME")]
    public_host: Vec<String>,
    /// Let rounds of drand's public beacon decide draws, which takes some ten seconds more, instead of the stack's own
    #[arg(long)]
    public_beacon: bool,
    /// Have commitments stamped by this time-stamp authority (RFC 3161), such as http://timestamp.digicert.com, instead of
    /// the stack's own, whose clock proves nothing to others; may be repeated
    #[arg(long, value_name = "URL")]
    tsa: Vec<String>,
}

fn mocks(path: &str) -> Result<Arc<Mocks>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Mocks::parse(&text).map(Arc::new).map_err(|error| error.to_string())
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.0..=1_000_000.0).contains(&factor) => Ok(factor),
        _ => Err("the factor is a number from 0 to 1,000,000".to_owned()),
    }
}

fn connections(path: &str) -> Result<Connections, ConnectionsError> {
    Connections::read(path.as_ref())
}

fn template(path: &str) -> Result<Template, TemplateError> {
    Template::read(path.as_ref())
}

impl Options {
    pub(crate) fn into_config(self) -> Result<Config, EndpointError> {
        let mut endpoints = Endpoints::default();
        for option in &self.endpoint {
            endpoints.add(option)?;
        }
        endpoints.add_environment(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
        let storage = if self.in_memory { Storage::Memory } else { Storage::Directory(self.data_dir) };
        Ok(Config {
            listen: self.listen,
            aws_listen: self.aws_listen,
            storage,
            token_file: self.token_file,
            smtp_url: self.smtp_url,
            lambda_endpoint: self.lambda_endpoint,
            limits: self.limits,
            iam: self.iam,
            refuse: self.refuse,
            public_hosts: self.public_host,
            beacon: if self.public_beacon { BeaconChoice::Quicknet } else { BeaconChoice::Local },
            authorities: self.tsa,
            endpoints,
            connections: self.connections.unwrap_or_default(),
            mocks: self.mock_config,
            execution_log: self.execution_log,
            wait_time_scale: self.wait_time_scale,
            ..Config::on_disk("")
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn in_memory_needs_no_data_directory() {
        let parse = |arguments: &[&str]| {
            Cli::try_parse_from(["local-stack"].iter().chain(arguments))
                .map(|cli| cli.options.into_config().unwrap())
        };
        assert_eq!(parse(&[]).unwrap().storage, Storage::Directory(".lottery".into()));
        assert_eq!(parse(&["--in-memory"]).unwrap().storage, Storage::Memory);
        assert!(parse(&["--in-memory", "--data-dir", "x"]).is_err());
        assert_eq!(parse(&["--refuse", "a", "--refuse", "b"]).unwrap().refuse, ["a", "b"]);
    }
}
