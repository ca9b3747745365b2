//! What every task is lent: the clients, the configuration, the clock.

use std::sync::Arc;

use aws_config::{AppName, BehaviorVersion};
use lottery_store::{Store, Tables};

use crate::{Clock, Config, Function, SystemClock};

/// The clients and settings of a function, made once and lent to every call.
#[derive(Clone)]
pub struct TaskContext {
    /// The lottery's two tables.
    pub store: Store,
    /// Sends messages.
    pub sns: aws_sdk_sns::Client,
    /// Sends e-mails to addresses that no topic has.
    pub ses: aws_sdk_sesv2::Client,
    /// Describes and starts executions, for the reconciler.
    pub sfn: aws_sdk_sfn::Client,
    /// What the environment says.
    pub config: Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl TaskContext {
    /// The context of `function` on AWS, or wherever `AWS_ENDPOINT_URL` points. Its calls name it as their application.
    pub async fn from_config(function: Function, config: Config) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
                aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let app_name = AppName::new(function.name()).expect("functions have names of letters and hyphens");
        let sdk = aws_config::defaults(BehaviorVersion::latest()).http_client(http).app_name(app_name);
        let sdk = sdk.load().await;
        let tables =
            Tables { lottery: config.lottery_table.clone(), contacts: config.contacts_table.clone() };
        Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables),
            sns: aws_sdk_sns::Client::new(&sdk),
            ses: aws_sdk_sesv2::Client::new(&sdk),
            sfn: aws_sdk_sfn::Client::new(&sdk),
            config,
            clock: Arc::new(SystemClock),
        }
    }
}
