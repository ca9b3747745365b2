//! The configuration of a function, from its environment.

use std::path::PathBuf;
use std::time::Duration;

use lottery::Channel;
use lottery::beacon::Chain;
use lottery::webhook::Reach;

use crate::Function;

/// The configuration of a function, read once at startup.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table with the lotteries, draws and winners.
    pub lottery_table: String,
    /// The table with names and addresses.
    pub contacts_table: String,
    /// The address of the service for people, without a slash at the end: e-mails link to it.
    pub public_url: String,
    /// The maximum price of one SMS, in US dollars.
    pub sms_max_price: String,
    /// The beacon whose rounds decide new draws.
    pub beacon: BeaconConfig,
    /// The addresses of the time-stamp authorities (RFC 3161 over HTTP) that stamp commitments.
    pub authorities: Vec<String>,
    /// The secret of the organiser's signing key. Only sealing, recording and passing seats on need it.
    pub organiser_secret: Option<OrganiserSecret>,
    /// The sender of e-mails through SES; without a sender none are sent.
    pub email_sender: Option<String>,
    /// The settings of sending through SNS and SES.
    pub delivery: DeliveryConfig,
    /// The namespace of the functions' metrics in CloudWatch, if they have metrics.
    pub metrics_namespace: Option<String>,
    /// The lottery's state machine. Only the reconciler and the function that starts repeating draws need it; for the tasks it would be a circular reference in the
    /// template, since the state machine names them.
    pub state_machine_arn: Option<String>,
    /// The channels that there are, for draws that this function starts.
    pub channels: Vec<Channel>,
    /// The queue of the events for webhooks. Only the function that sends them needs it.
    pub webhook_queue_url: Option<String>,
    /// Which addresses webhooks may have.
    pub webhook_reach: Reach,
    /// The bucket of uploaded lists. Only the functions that import them need it.
    pub lists_bucket: Option<String>,
}

/// The settings of sending through SNS and SES.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeliveryConfig {
    /// The number of SMS a second that SNS accepts from this account; unlimited if not set.
    pub sms_per_second: Option<f64>,
    /// The number of e-mails a second that SES or SNS accepts from this account; unlimited if not set.
    pub emails_per_second: Option<f64>,
    /// How long the filter policy of a new subscription may take to be in effect. An e-mail through the topic waits until
    /// then: without the policies it would reach every subscribed address.
    pub filter_policy_delay: Duration,
    /// The configuration set of SES, which reports deliveries and bounces.
    pub configuration_set: Option<String>,
}

impl DeliveryConfig {
    /// The default rate of SMS of an account, per second.
    pub const SMS_PER_SECOND: f64 = 20.0;
    /// The rate of SES for an account outside its sandbox, per second.
    pub const EMAILS_PER_SECOND: f64 = 14.0;
    /// The maximum time that a filter policy takes, as SNS documents it.
    pub const FILTER_POLICY_DELAY: Duration = Duration::from_secs(15 * 60);

    fn from_variables(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let rate = |name, default| match variable(name) {
            None => Ok(Some(default)),
            Some(text) => match text.trim().parse::<f64>() {
                Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Some(rate)),
                _ => Err(ConfigError::Malformed(name)),
            },
        };
        let filter_policy_delay = match variable("FILTER_POLICY_SECONDS") {
            None => Self::FILTER_POLICY_DELAY,
            Some(seconds) => {
                let seconds = seconds.trim().parse();
                Duration::from_secs(seconds.map_err(|_| ConfigError::Malformed("FILTER_POLICY_SECONDS"))?)
            }
        };
        Ok(Self {
            sms_per_second: rate("SMS_PER_SECOND", Self::SMS_PER_SECOND)?,
            emails_per_second: rate("EMAILS_PER_SECOND", Self::EMAILS_PER_SECOND)?,
            filter_policy_delay,
            configuration_set: variable("EMAIL_CONFIGURATION_SET"),
        })
    }
}

/// The beacon whose rounds decide new draws.
#[derive(Debug, Clone)]
pub struct BeaconConfig {
    /// The parameters of its chain, pinned: the rounds of every relay are verified with them.
    pub chain: Chain,
    /// The minimum time between sealing and the round, in seconds.
    pub margin_seconds: u32,
    /// The addresses of relays with drand's HTTP API, tried in turn.
    pub relays: Vec<String>,
}

/// The location of the secret whose SHA-256 is the seed of the organiser's signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrganiserSecret {
    /// A secret in Secrets Manager, by its ARN.
    Arn(String),
    /// A file.
    File(PathBuf),
}

/// Why a variable of the environment is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The variable is malformed.
    #[error("the environment variable {0} is malformed")]
    Malformed(&'static str),
}

impl BeaconConfig {
    /// drand's public beacon, through its own relays.
    pub fn quicknet() -> Self {
        let relays = [
            "https://api.drand.sh",
            "https://api2.drand.sh",
            "https://api3.drand.sh",
            "https://drand.cloudflare.com",
        ];
        Self { chain: Chain::quicknet(), margin_seconds: 10, relays: relays.map(str::to_owned).to_vec() }
    }

    fn from_variables(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::quicknet();
        if let Some(info) = variable("BEACON_CHAIN") {
            config.chain =
                Chain::parse_info(info.as_bytes()).map_err(|_| ConfigError::Malformed("BEACON_CHAIN"))?;
        }
        if let Some(seconds) = variable("BEACON_MARGIN_SECONDS") {
            config.margin_seconds =
                seconds.trim().parse().map_err(|_| ConfigError::Malformed("BEACON_MARGIN_SECONDS"))?;
        }
        if let Some(relays) = variable("BEACON_RELAYS") {
            let relays = relays.split(',').map(|relay| relay.trim().trim_end_matches('/').to_owned());
            config.relays = relays.filter(|relay| !relay.is_empty()).collect();
        }
        Ok(config)
    }
}

/// Channels with commas between; without any all that there are.
fn channels(names: Option<String>) -> Result<Vec<Channel>, ConfigError> {
    let Some(names) = names else { return Ok(Channel::ALL.to_vec()) };
    let channels: Result<Vec<Channel>, _> =
        names.split(',').map(|name| Channel::parse(name.trim())).collect();
    channels.map_err(|_| ConfigError::Malformed("CHANNELS"))
}

/// Addresses with commas between; without any the public ones that are used where nothing else is said. `none` is none.
fn authorities(addresses: Option<String>) -> Vec<String> {
    match addresses.as_deref() {
        None => Config::AUTHORITIES.map(str::to_owned).to_vec(),
        Some("none") => Vec::new(),
        Some(addresses) => {
            let addresses = addresses.split(',').map(|address| address.trim().to_owned());
            addresses.filter(|address| !address.is_empty()).collect()
        }
    }
}

impl Config {
    /// The default of [`Config::authorities`]: DigiCert's and GlobalSign's, which need no account.
    pub const AUTHORITIES: [&str; 2] =
        ["http://timestamp.digicert.com", "http://timestamp.globalsign.com/tsa/r6advanced1"];
    /// The default of [`Config::sms_max_price`].
    pub const SMS_MAX_PRICE: &str = "0.50";

    /// Reads the environment of `function`, and fails with the name of what is missing.
    pub fn from_env(function: Function) -> Result<Self, ConfigError> {
        Self::from_lookup(function, |name| std::env::var(name).ok())
    }

    /// Like [`Config::from_env`], with another source of variables.
    pub fn from_lookup(
        function: Function,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(ConfigError::Missing(name));
        let organiser_secret = match (optional("ORGANISER_KEY_FILE"), optional("ORGANISER_SECRET_ARN")) {
            (Some(path), _) => Some(OrganiserSecret::File(path.into())),
            (None, Some(arn)) => Some(OrganiserSecret::Arn(arn)),
            (None, None) => None,
        };
        let signs =
            [Function::SealEntries, Function::RecordWinners, Function::CheckClaims].contains(&function);
        if signs && organiser_secret.is_none() {
            return Err(ConfigError::Missing("ORGANISER_SECRET_ARN"));
        }
        Ok(Self {
            lottery_table: required("LOTTERY_TABLE")?,
            contacts_table: required("CONTACTS_TABLE")?,
            public_url: required("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
            email_sender: optional("EMAIL_SENDER"),
            sms_max_price: optional("SMS_MAX_PRICE").unwrap_or_else(|| Self::SMS_MAX_PRICE.to_owned()),
            beacon: BeaconConfig::from_variables(optional)?,
            authorities: authorities(optional("TIME_STAMP_AUTHORITIES")),
            delivery: DeliveryConfig::from_variables(optional)?,
            metrics_namespace: optional("METRICS_NAMESPACE"),
            organiser_secret,
            state_machine_arn: match function {
                Function::ReconcileDraws | Function::StartRepeat => Some(required("STATE_MACHINE_ARN")?),
                _ => None,
            },
            channels: channels(optional("CHANNELS"))?,
            webhook_queue_url: match function {
                Function::SendWebhook => Some(required("WEBHOOK_QUEUE_URL")?),
                _ => None,
            },
            webhook_reach: match optional("WEBHOOK_REACH").as_deref() {
                None | Some("public") => Reach::Public,
                Some("anywhere") => Reach::Anywhere,
                Some(_) => return Err(ConfigError::Malformed("WEBHOOK_REACH")),
            },
            lists_bucket: match function {
                Function::InspectList
                | Function::SplitList
                | Function::ImportBatch
                | Function::FinishImport => Some(required("LISTS_BUCKET")?),
                _ => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES_AND_URL: [&str; 3] = ["LOTTERY_TABLE", "CONTACTS_TABLE", "PUBLIC_URL"];

    fn read(function: Function, set: &[&str]) -> Result<Config, ConfigError> {
        Config::from_lookup(function, |name| set.contains(&name).then(|| format!("{name}/")))
    }

    #[test]
    fn a_missing_variable_is_named() {
        assert_eq!(
            read(Function::SendSms, &TABLES_AND_URL[..2]).unwrap_err(),
            ConfigError::Missing("PUBLIC_URL")
        );
        for (function, name) in [
            (Function::ReconcileDraws, "STATE_MACHINE_ARN"),
            (Function::StartRepeat, "STATE_MACHINE_ARN"),
            (Function::SendWebhook, "WEBHOOK_QUEUE_URL"),
            (Function::SealEntries, "ORGANISER_SECRET_ARN"),
            (Function::RecordWinners, "ORGANISER_SECRET_ARN"),
            (Function::CheckClaims, "ORGANISER_SECRET_ARN"),
            (Function::SplitList, "LISTS_BUCKET"),
        ] {
            assert_eq!(read(function, &TABLES_AND_URL).unwrap_err(), ConfigError::Missing(name));
        }
    }

    #[test]
    fn what_only_one_function_needs_the_others_do_without() {
        let config = read(Function::SendSms, &TABLES_AND_URL).unwrap();
        assert_eq!(config.public_url, "PUBLIC_URL");
        assert_eq!(config.sms_max_price, Config::SMS_MAX_PRICE);
        assert_eq!((config.state_machine_arn, config.organiser_secret), (None, None));
        assert!(config.beacon.chain.is_public());
        assert_eq!((config.beacon.margin_seconds, config.beacon.relays.len()), (10, 4));
    }

    #[test]
    fn rates_are_those_of_a_new_account_unless_others_are_given() {
        let delivery = |name, value: &str| {
            DeliveryConfig::from_variables(|asked| (asked == name).then(|| value.to_owned()))
        };
        let default = delivery("", "").unwrap();
        assert_eq!((default.sms_per_second, default.emails_per_second), (Some(20.0), Some(14.0)));
        assert_eq!(default.filter_policy_delay.as_secs(), 900);
        assert_eq!(delivery("SMS_PER_SECOND", "0.5").unwrap().sms_per_second, Some(0.5));
        assert_eq!(delivery("EMAILS_PER_SECOND", "200").unwrap().emails_per_second, Some(200.0));
        assert_eq!(delivery("FILTER_POLICY_SECONDS", "0").unwrap().filter_policy_delay, Duration::ZERO);
        for (name, value) in [
            ("SMS_PER_SECOND", "0"),
            ("SMS_PER_SECOND", "many"),
            ("EMAILS_PER_SECOND", "-1"),
            ("EMAILS_PER_SECOND", "inf"),
            ("FILTER_POLICY_SECONDS", "1m"),
        ] {
            assert_eq!(delivery(name, value).unwrap_err(), ConfigError::Malformed(name), "{value}");
        }
    }

    #[test]
    fn two_authorities_are_asked_unless_others_are_named_or_none() {
        assert_eq!(authorities(None), Config::AUTHORITIES);
        assert_eq!(authorities(Some("http://a/tsr, http://b,".to_owned())), ["http://a/tsr", "http://b"]);
        assert!(authorities(Some("none".to_owned())).is_empty());
    }

    #[test]
    fn another_beacon_is_read_and_a_malformed_one_named() {
        let beacon = |name, value: &str| {
            BeaconConfig::from_variables(|asked| (asked == name).then(|| value.to_owned()))
        };
        let relays = beacon("BEACON_RELAYS", "http://a/, http://b").unwrap().relays;
        assert_eq!(relays, ["http://a", "http://b"]);
        assert_eq!(beacon("BEACON_MARGIN_SECONDS", "30").unwrap().margin_seconds, 30);
        for name in ["BEACON_CHAIN", "BEACON_MARGIN_SECONDS"] {
            assert_eq!(beacon(name, "{}").unwrap_err(), ConfigError::Malformed(name));
        }
    }
}
