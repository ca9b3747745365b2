//! The services that tasks call, each client made with its first call. So a function contains only the clients that it calls, as the
//! linker leaves out the others, and starts without those that an invocation does not need.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use lottery::webhook::Reach;

use crate::webhooks;

/// How long a connection to a relay or to an authority may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The clients of a function; a clone shares them.
#[derive(Debug, Clone)]
pub struct Services(Arc<Clients>);

#[derive(Debug, Clone)]
struct Clients {
    sdk: SdkConfig,
    s3_sdk: Option<SdkConfig>,
    sns: OnceLock<aws_sdk_sns::Client>,
    ses: OnceLock<aws_sdk_sesv2::Client>,
    sfn: OnceLock<aws_sdk_sfn::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    outside: OnceLock<SharedHttpConnector>,
    webhooks: OnceLock<SharedHttpConnector>,
}

impl Services {
    /// Clients with this configuration.
    #[must_use]
    pub fn new(sdk: SdkConfig) -> Self {
        Self(Arc::new(Clients {
            sdk,
            s3_sdk: None,
            sns: OnceLock::new(),
            ses: OnceLock::new(),
            sfn: OnceLock::new(),
            s3: OnceLock::new(),
            sqs: OnceLock::new(),
            outside: OnceLock::new(),
            webhooks: OnceLock::new(),
        }))
    }

    /// The same with this client of SNS.
    #[must_use]
    pub fn with_sns(self, sns: aws_sdk_sns::Client) -> Self {
        self.changed(|clients| clients.sns = sns.into())
    }

    /// The same with this client of SES.
    #[must_use]
    pub fn with_ses(self, ses: aws_sdk_sesv2::Client) -> Self {
        self.changed(|clients| clients.ses = ses.into())
    }

    /// The same with this client of Step Functions.
    #[must_use]
    pub fn with_sfn(self, sfn: aws_sdk_sfn::Client) -> Self {
        self.changed(|clients| clients.sfn = sfn.into())
    }

    /// The same with S3 called by a configuration of its own.
    #[must_use]
    pub fn with_s3(self, sdk: SdkConfig) -> Self {
        self.changed(|clients| clients.s3_sdk = Some(sdk))
    }

    /// The same with relays, authorities and webhooks called through `http`.
    #[must_use]
    pub fn with_http(self, http: SharedHttpConnector) -> Self {
        self.changed(|clients| {
            clients.outside = http.clone().into();
            clients.webhooks = http.into();
        })
    }

    fn changed(mut self, change: impl FnOnce(&mut Clients)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn sdk(&self) -> &SdkConfig {
        &self.0.sdk
    }

    pub(crate) fn sns(&self) -> &aws_sdk_sns::Client {
        self.0.sns.get_or_init(|| aws_sdk_sns::Client::new(&self.0.sdk))
    }

    pub(crate) fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.0.ses.get_or_init(|| aws_sdk_sesv2::Client::new(&self.0.sdk))
    }

    pub(crate) fn sfn(&self) -> &aws_sdk_sfn::Client {
        self.0.sfn.get_or_init(|| aws_sdk_sfn::Client::new(&self.0.sdk))
    }

    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        let sdk = self.0.s3_sdk.as_ref().unwrap_or(&self.0.sdk);
        self.0.s3.get_or_init(|| aws_sdk_s3::Client::new(sdk))
    }

    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.0.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.sdk))
    }

    /// Calls what is no service of AWS's.
    pub(crate) fn outside(&self) -> SharedHttpConnector {
        self.0.outside.get_or_init(|| platform::https_connector(CONNECT_TIMEOUT, None)).clone()
    }

    /// Calls the addresses of strangers, as far as `reach` goes.
    pub(crate) fn webhooks(&self, reach: Reach) -> &SharedHttpConnector {
        self.0.webhooks.get_or_init(|| webhooks::connector(reach))
    }
}
