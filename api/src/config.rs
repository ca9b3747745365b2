//! Configuration, read once at startup.

use std::time::Duration;

use lottery::Channel;
use lottery::webhook::Reach;
use thiserror::Error;

use crate::state::ScheduleTarget;

/// The settings of the API.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address under which people reach the service, without a slash at its end; `Location` headers and
    /// links are relative without it.
    pub public_url: Option<String>,
    /// The state machine that runs a draw.
    pub state_machine_arn: String,
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// The `aud` that tokens must have (or `client_id`, where an issuer such as Cognito writes no `aud`).
    pub audience: String,
    /// The prefix of each scope in a token, such as `lottery/`.
    pub scope_prefix: String,
    /// What the names of the lotteries' SNS topics begin with.
    pub topic_prefix: String,
    /// How many e-mail addresses one lottery may subscribe: SNS allows 200 filter policies per topic.
    pub email_subscription_limit: u64,
    /// The channels on which winners can be notified: SNS sends no SMS in China.
    pub channels: Vec<Channel>,
    /// The address in messages with a link, without a slash at its end; `public_url` without it.
    pub message_url: Option<String>,
    /// The most that one SMS may cost, in USD.
    pub sms_max_price: String,
    /// How long joining takes at least, so that its time does not tell who takes part: on Lambda longer than a call of SNS or SES.
    pub join_floor: Duration,
    /// Which addresses webhooks may have.
    pub webhook_reach: Reach,
    /// Whether e-mails can go through SES, which needs a sender.
    pub has_email_sender: bool,
    /// What one import may carry.
    pub import: ImportLimits,
    /// How many people one exported file may hold; `None` where it is streamed.
    pub export_max_people: Option<usize>,
    /// How often one caller may call.
    pub rate_limits: RateLimits,
    /// How long a request for the events of a draw may wait for the next one. Zero on Lambda, where a request that waits
    /// holds an execution environment, of which an account has few.
    pub events_wait: Duration,
    /// How long an SNS filter policy may take to apply: for so long e-mails to an address just imported are held back.
    pub filter_policy_wait: Duration,
    /// For how long a read of a draw under way, or of a list, counts as current. Writes of this process take effect at once.
    /// Zero reads anew for each request.
    pub read_freshness: Duration,
}

/// What one import request may carry.
#[derive(Debug, Clone, Copy)]
pub struct ImportLimits {
    /// Bytes of the body.
    pub max_bytes: u64,
    /// Participants; `None` where the body is streamed.
    pub max_lines: Option<u64>,
    /// For how long one request withdraws people who are missing from a list, or takes an import back; what is left is done by
    /// the next.
    pub withdraw_for: Duration,
}

impl ImportLimits {
    /// Lambda holds the whole request in memory and responds within 30 seconds.
    pub const LAMBDA: Self =
        Self { max_bytes: 4 * 1024 * 1024, max_lines: Some(2_000), withdraw_for: Duration::from_secs(12) };
    /// A server streams: the limit only stops what cannot be meant.
    pub const SERVER: Self =
        Self { max_bytes: 512 * 1024 * 1024, max_lines: None, withdraw_for: Duration::from_secs(60) };
}

/// Longer than a call of SNS or SES takes, but for rare ones.
const LAMBDA_JOIN: Duration = Duration::from_millis(600);

/// The people whom a function reads and returns within 30 seconds.
const LAMBDA_EXPORT: usize = 20_000;

/// A token bucket: it holds `burst` calls and gains `per_second` of them each second.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Calls gained each second.
    pub per_second: f64,
    /// The burst of calls.
    pub burst: f64,
}

/// The rates of the classes of routes, counted per caller and process: by the token's subject where a token counts, by
/// address otherwise. On Lambda each execution environment is a process, and only API Gateway counts for all of them.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Reading.
    pub read: Rate,
    /// Writing.
    pub write: Rate,
    /// Entering a lottery oneself.
    pub join: Rate,
    /// Joining with the code that is shown at the venue: the guests of an evening share one address.
    pub venue: Rate,
    /// Having a message sent to an address, without the code that is shown at the venue.
    pub message: Rate,
}

/// A setting that is missing or cannot be read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Names of settings that are not set.
    #[error("missing environment variables: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A setting that is set to something else than it must be.
    #[error("environment variable {name} must be {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

/// Where the keys come from that tokens are signed with.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The JWKS document itself.
    Inline(String),
    /// Its address.
    Url(String),
}

/// The settings of the binary.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The settings of the API itself.
    pub api: Config,
    /// The table without contact data.
    pub lottery_table: String,
    /// The table with contact data.
    pub contacts_table: String,
    /// Where the issuer's keys are.
    pub keys: KeySource,
    /// The secret of the organiser's signing key; without it no winner can be replaced.
    pub organiser_secret_arn: Option<String>,
    /// The bucket of uploaded lists; without it no big list is taken.
    pub lists_bucket: Option<String>,
    /// What the schedules of repeating draws call; without it no draw repeats.
    pub schedules: Option<ScheduleTarget>,
    /// The sender of e-mails through SES.
    pub email_sender: Option<String>,
    /// The queue of events for webhooks; without it none can be sent again.
    pub webhook_queue_url: Option<String>,
    /// Where a plain server listens.
    pub listen: String,
}

impl Config {
    /// The settings that have no default, and the defaults of the others (those of a plain server).
    #[must_use]
    pub fn new(
        state_machine_arn: impl Into<String>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        Self {
            public_url: None,
            message_url: None,
            sms_max_price: "0.50".to_owned(),
            join_floor: Duration::ZERO,
            state_machine_arn: state_machine_arn.into(),
            issuer: issuer.into(),
            audience: audience.into(),
            scope_prefix: String::new(),
            topic_prefix: "lottery-".to_owned(),
            email_subscription_limit: 200,
            channels: Channel::ALL.to_vec(),
            webhook_reach: Reach::Public,
            has_email_sender: false,
            import: ImportLimits::SERVER,
            export_max_people: None,
            rate_limits: RateLimits {
                // A page that follows a draw asks about once a second, and many pages may share one address.
                read: Rate { per_second: 400.0, burst: 4_000.0 },
                write: Rate { per_second: 20.0, burst: 400.0 },
                // The guests of a party may share one address; nobody enters by the thousand.
                join: Rate { per_second: 1.0, burst: 100.0 },
                // A request with the venue's code comes from the venue, where a full hall may join within a minute.
                venue: Rate { per_second: 100.0, burst: 2_000.0 },
                // Each costs a message to an address that the caller has only named.
                message: Rate { per_second: 0.1, burst: 20.0 },
            },
            events_wait: Duration::from_secs(20),
            filter_policy_wait: Duration::ZERO,
            read_freshness: Duration::from_millis(250),
        }
    }
}

impl Settings {
    /// Reads the settings through `lookup` (the environment, in `main`).
    ///
    /// # Errors
    /// [`ConfigError`] names all missing settings, or the first that cannot be read.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &'static str| lookup(name).filter(|value| !value.trim().is_empty());
        let mut missing = Vec::new();
        let mut required = |name: &'static str| {
            get(name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let lottery_table = required("LOTTERY_TABLE");
        let contacts_table = required("CONTACTS_TABLE");
        let mut api =
            Config::new(required("STATE_MACHINE_ARN"), required("TOKEN_ISSUER"), required("TOKEN_AUDIENCE"));
        let keys = match (get("JWKS"), get("JWKS_URL")) {
            (Some(document), _) => KeySource::Inline(document),
            (None, Some(url)) => KeySource::Url(url),
            (None, None) => KeySource::Url(required("JWKS_URL (or JWKS)")),
        };
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }

        api.public_url = get("PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned());
        api.scope_prefix = get("SCOPE_PREFIX").unwrap_or_default();
        if let Some(prefix) = get("TOPIC_PREFIX") {
            api.topic_prefix = prefix;
        }
        if let Some(limit) = number(&get, "EMAIL_SUBSCRIPTION_LIMIT")? {
            api.email_subscription_limit = limit;
        }
        if let Some(channels) = get("CHANNELS") {
            api.channels = parse_channels(&channels)?;
        }
        let email_sender = get("EMAIL_SENDER");
        api.has_email_sender = email_sender.is_some();
        api.webhook_reach = match get("WEBHOOK_REACH").as_deref() {
            None | Some("public") => Reach::Public,
            Some("anywhere") => Reach::Anywhere,
            Some(_) => {
                return Err(ConfigError::Invalid { name: "WEBHOOK_REACH", expected: "public or anywhere" });
            }
        };
        if let Some(price) = get("SMS_MAX_PRICE") {
            api.sms_max_price = price;
        }
        if let Some(seconds) = seconds(&get, "FILTER_POLICY_SECONDS")? {
            api.filter_policy_wait = seconds;
        }
        if get("AWS_LAMBDA_RUNTIME_API").is_some() {
            api.events_wait = Duration::ZERO;
        }
        if let Some(seconds) = seconds(&get, "EVENTS_WAIT_SECONDS")? {
            api.events_wait = seconds;
        }
        if get("AWS_LAMBDA_RUNTIME_API").is_some() {
            api.import = ImportLimits::LAMBDA;
            api.join_floor = LAMBDA_JOIN;
            api.export_max_people = Some(LAMBDA_EXPORT);
        } else if let Some(max_bytes) = number(&get, "IMPORT_MAX_BYTES")? {
            api.import.max_bytes = max_bytes;
        }
        for (name, rate) in [
            ("READS_PER_SECOND", &mut api.rate_limits.read),
            ("WRITES_PER_SECOND", &mut api.rate_limits.write),
            ("JOINS_PER_SECOND", &mut api.rate_limits.join),
            ("VENUE_JOINS_PER_SECOND", &mut api.rate_limits.venue),
        ] {
            if let Some(per_second) = number(&get, name)? {
                *rate = Rate { per_second: per_second as f64, burst: per_second as f64 * 10.0 };
            }
        }
        let listen = get("LISTEN").unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let organiser_secret_arn = get("ORGANISER_SECRET_ARN");
        let webhook_queue_url = get("WEBHOOK_QUEUE_URL");
        let lists_bucket = get("LISTS_BUCKET");
        let (group, function_arn, role_arn) =
            (get("REPEATS_GROUP"), get("START_REPEAT_ARN"), get("REPEATS_ROLE_ARN"));
        let dead_letters_arn = get("REPEATS_DEAD_LETTERS_ARN");
        let schedules = match (group, function_arn, role_arn) {
            (Some(group), Some(function_arn), Some(role_arn)) => {
                Some(ScheduleTarget { group, function_arn, role_arn, dead_letters_arn })
            }
            _ => None,
        };
        Ok(Self {
            api,
            lottery_table,
            contacts_table,
            keys,
            organiser_secret_arn,
            lists_bucket,
            schedules,
            email_sender,
            webhook_queue_url,
            listen,
        })
    }
}

fn parse_channels(text: &str) -> Result<Vec<Channel>, ConfigError> {
    let named = |name: &str| Channel::ALL.into_iter().find(|channel| channel.to_string() == name.trim());
    let channels: Option<Vec<_>> = text.split(',').map(named).collect();
    channels.ok_or(ConfigError::Invalid { name: "CHANNELS", expected: "sms, email or both with a comma" })
}

fn number(
    get: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
) -> Result<Option<u64>, ConfigError> {
    match get(name).map(|value| value.trim().parse::<u64>()) {
        None => Ok(None),
        Some(Ok(number)) if number > 0 => Ok(Some(number)),
        Some(_) => Err(ConfigError::Invalid { name, expected: "a whole number above 0" }),
    }
}

/// A span of whole seconds, which may be none.
fn seconds(
    get: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
) -> Result<Option<Duration>, ConfigError> {
    match get(name).map(|value| value.trim().parse::<u32>()) {
        None => Ok(None),
        Some(Ok(seconds)) => Ok(Some(Duration::from_secs(seconds.into()))),
        Some(Err(_)) => Err(ConfigError::Invalid { name, expected: "a whole number of seconds, from 0" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        match name {
            "LOTTERY_TABLE" => Some("Lottery".into()),
            "CONTACTS_TABLE" => Some("Contacts".into()),
            "STATE_MACHINE_ARN" => {
                Some("arn:aws:states:eu-central-1:123456789012:stateMachine:lottery".into())
            }
            "TOKEN_ISSUER" => Some("https://issuer.example".into()),
            "TOKEN_AUDIENCE" => Some("lottery".into()),
            "JWKS_URL" => Some("https://issuer.example/jwks.json".into()),
            _ => None,
        }
    }

    #[test]
    fn all_missing_names_are_reported_at_once() {
        let error = Settings::from_lookup(|_| None).unwrap_err().to_string();
        for name in [
            "LOTTERY_TABLE",
            "CONTACTS_TABLE",
            "STATE_MACHINE_ARN",
            "TOKEN_ISSUER",
            "TOKEN_AUDIENCE",
            "JWKS_URL",
        ] {
            assert!(error.contains(name), "{error} does not name {name}");
        }
    }

    #[test]
    fn lambda_takes_smaller_imports_than_a_server() {
        let server = Settings::from_lookup(complete).unwrap();
        assert!(server.api.import.max_lines.is_none() && server.api.export_max_people.is_none());
        let lambda = Settings::from_lookup(|name| match name {
            "AWS_LAMBDA_RUNTIME_API" => Some("127.0.0.1:9001".into()),
            name => complete(name),
        })
        .unwrap();
        assert_eq!(lambda.api.import.max_lines, Some(2_000));
        assert_eq!(lambda.api.export_max_people, Some(20_000));
        assert_eq!(lambda.api.import.max_bytes, 4 * 1024 * 1024);
    }

    #[test]
    fn no_request_waits_on_lambda() {
        let server = Settings::from_lookup(complete).unwrap();
        assert_eq!(server.api.events_wait, Duration::from_secs(20));
        let lambda = |seconds: Option<&'static str>| {
            Settings::from_lookup(|name| match name {
                "AWS_LAMBDA_RUNTIME_API" => Some("127.0.0.1:9001".into()),
                "EVENTS_WAIT_SECONDS" => seconds.map(str::to_owned),
                name => complete(name),
            })
        };
        assert_eq!(lambda(None).unwrap().api.events_wait, Duration::ZERO);
        assert_eq!(lambda(Some("0")).unwrap().api.events_wait, Duration::ZERO);
        assert!(lambda(Some("soon")).unwrap_err().to_string().contains("EVENTS_WAIT_SECONDS"));
    }

    #[test]
    fn channels_are_those_that_the_deployment_has() {
        let channels = |value: &'static str| {
            let settings = Settings::from_lookup(|name| match name {
                "CHANNELS" => Some(value.into()),
                name => complete(name),
            });
            settings.map(|settings| settings.api.channels)
        };
        assert_eq!(Settings::from_lookup(complete).unwrap().api.channels, Channel::ALL);
        assert_eq!(channels("email").unwrap(), [Channel::Email]);
        assert_eq!(channels("sms, email").unwrap(), Channel::ALL);
        assert!(channels("pigeon").unwrap_err().to_string().contains("CHANNELS"));
    }

    #[test]
    fn a_number_that_is_none_is_refused_by_name() {
        let error = Settings::from_lookup(|name| match name {
            "EMAIL_SUBSCRIPTION_LIMIT" => Some("many".into()),
            name => complete(name),
        })
        .unwrap_err();
        assert!(error.to_string().contains("EMAIL_SUBSCRIPTION_LIMIT"));
    }
}
