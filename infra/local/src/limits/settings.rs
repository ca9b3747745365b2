//! Which limits there are, as `--limits` and `Config::limits` set them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

use super::{Rate, Throttled, Window};

/// The limits that the stack keeps. What is absent has none.
///
/// Parsed from words with commas between them: a preset (`aws-new-account`, `aws-default`) or single settings such as
/// `lambda-concurrency=20`, each of which changes the settings before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// How many invocations of all functions together run at once, those of the API too.
    pub lambda_concurrency: Option<u32>,
    /// How many of these are kept for a function, which in turn gets no more.
    pub reserved_concurrency: BTreeMap<String, u32>,
    /// Whether functions end when their time is over that `infra/template.yaml` gives them.
    pub function_timeouts: bool,
    /// How long a new execution environment takes to start.
    pub cold_start: Duration,
    /// The largest request and answer of an invocation, in bytes of JSON.
    pub lambda_payload_bytes: Option<usize>,
    /// How long API Gateway waits for the function.
    pub api_timeout: Option<Duration>,
    /// The largest body of a request to API Gateway, in bytes.
    pub api_body_bytes: Option<usize>,
    /// Requests to the API, but for the routes with a rate of their own.
    pub api_rate: Option<Rate>,
    /// Requests to each route that `infra/template.yaml` gives a rate of its own: what anybody may read.
    pub watching_rate: Option<Rate>,
    /// Calls of each operation of Step Functions.
    pub step_functions: BTreeMap<String, Rate>,
    /// SMS that are published to phones.
    pub sms_rate: Option<Rate>,
    /// Messages that are published to topics.
    pub topic_rate: Option<Rate>,
    /// E-mails that topics deliver.
    pub topic_email_rate: Option<Rate>,
    /// Calls of each other operation of SNS.
    pub sns: BTreeMap<String, Rate>,
    /// E-mails through SES.
    pub ses_rate: Option<Rate>,
    /// E-mails through SES in 24 hours.
    pub ses_per_day: Option<u32>,
    /// SES is in its sandbox: it sends to these addresses and domains alone.
    pub ses_verified: Option<BTreeSet<String>>,
    /// Read units of each table.
    pub table_reads: Option<Rate>,
    /// Write units of each table.
    pub table_writes: Option<Rate>,
    /// How long each call of AWS takes at least.
    pub latency: Duration,
    /// Times in which calls are throttled.
    pub windows: Vec<Window>,
}

/// A word of `--limits` that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LimitsError(String);

type Set = fn(&mut Limits, &str) -> Option<()>;

/// The settings by their names, each with its value.
const SETTINGS: [(&str, &str, Set); 24] = [
    ("lambda-concurrency", "N", |it, value| {
        it.lambda_concurrency = Some(value.parse().ok()?);
        Some(())
    }),
    ("reserved-concurrency", "FUNCTION:N", |it, value| {
        let (function, count) = value.split_once(':')?;
        it.reserved_concurrency.insert(function.to_owned(), count.parse().ok()?);
        Some(())
    }),
    ("function-timeouts", "on|off", |it, value| {
        it.function_timeouts = on_or_off(value)?;
        Some(())
    }),
    ("cold-start-ms", "N", |it, value| {
        it.cold_start = milliseconds(value)?;
        Some(())
    }),
    ("lambda-payload-bytes", "N", |it, value| {
        it.lambda_payload_bytes = Some(value.parse().ok()?);
        Some(())
    }),
    ("api-timeout-ms", "N", |it, value| {
        it.api_timeout = Some(milliseconds(value)?);
        Some(())
    }),
    ("api-body-bytes", "N", |it, value| {
        it.api_body_bytes = Some(value.parse().ok()?);
        Some(())
    }),
    ("api-rate", RATE, |it, value| {
        it.api_rate = Some(rate(value)?);
        Some(())
    }),
    ("watching-rate", RATE, |it, value| {
        it.watching_rate = Some(rate(value)?);
        Some(())
    }),
    ("step-functions", "OPERATION:RATE[/BURST]", |it, value| {
        let (operation, figures) = value.split_once(':')?;
        it.step_functions.insert(operation.to_owned(), rate(figures)?);
        Some(())
    }),
    ("sms-rate", RATE, |it, value| {
        it.sms_rate = Some(rate(value)?);
        Some(())
    }),
    ("topic-rate", RATE, |it, value| {
        it.topic_rate = Some(rate(value)?);
        Some(())
    }),
    ("topic-email-rate", RATE, |it, value| {
        it.topic_email_rate = Some(rate(value)?);
        Some(())
    }),
    ("sns", "OPERATION:RATE[/BURST]", |it, value| {
        let (operation, figures) = value.split_once(':')?;
        it.sns.insert(operation.to_owned(), rate(figures)?);
        Some(())
    }),
    ("ses-rate", RATE, |it, value| {
        it.ses_rate = Some(rate(value)?);
        Some(())
    }),
    ("ses-per-day", "N", |it, value| {
        it.ses_per_day = Some(value.parse().ok()?);
        Some(())
    }),
    ("ses-sandbox", "on|off", |it, value| {
        it.ses_verified = on_or_off(value)?.then(|| it.ses_verified.take().unwrap_or_default());
        Some(())
    }),
    ("ses-verified", "ADDRESS|DOMAIN", |it, value| {
        it.ses_verified.get_or_insert_default().insert(value.to_lowercase());
        Some(())
    }),
    ("table-reads", RATE, |it, value| {
        it.table_reads = Some(rate(value)?);
        Some(())
    }),
    ("table-writes", RATE, |it, value| {
        it.table_writes = Some(rate(value)?);
        Some(())
    }),
    ("latency-ms", "N", |it, value| {
        it.latency = milliseconds(value)?;
        Some(())
    }),
    ("throttle", "FUNCTION|all:SECONDS", |it, value| {
        let (function, seconds) = value.split_once(':')?;
        let lasts = Duration::from_secs(seconds.parse().ok()?);
        it.windows.push(match function {
            // The first task that runs begins it.
            "all" => {
                Window { of: Throttled::EveryFunction, from_first_call_of: "seal-entries".to_owned(), lasts }
            }
            function => Window::of_function(function, lasts),
        });
        Some(())
    }),
    ("throttle-sns", "FUNCTION:SECONDS", |it, value| it.throttle_from(Throttled::Sns, value)),
    ("throttle-dynamodb", "FUNCTION:SECONDS", |it, value| it.throttle_from(Throttled::DynamoDb, value)),
];

const RATE: &str = "RATE[/BURST]";

impl Limits {
    fn throttle_from(&mut self, of: Throttled, value: &str) -> Option<()> {
        let (function, seconds) = value.split_once(':')?;
        let lasts = Duration::from_secs(seconds.parse().ok()?);
        self.windows.push(Window { of, from_first_call_of: function.to_owned(), lasts });
        Some(())
    }
}

impl FromStr for Limits {
    type Err = LimitsError;

    fn from_str(text: &str) -> Result<Limits, LimitsError> {
        let mut limits = Limits::default();
        for word in text.split(',').map(str::trim) {
            match (word, word.split_once('=')) {
                ("aws-new-account", _) => limits = Limits::aws_new_account(),
                ("aws-default", _) => limits = Limits::aws_default(),
                (_, Some((name, value))) => {
                    let Some((_, form, set)) = SETTINGS.iter().find(|(known, ..)| *known == name) else {
                        return Err(unknown(name));
                    };
                    set(&mut limits, value)
                        .ok_or_else(|| LimitsError(format!("{word}: write it as {name}={form}")))?;
                }
                (word, None) => return Err(unknown(word)),
            }
        }
        Ok(limits)
    }
}

fn unknown(word: &str) -> LimitsError {
    let mut sentence = format!("there is no limit {word:?}; there are aws-new-account, aws-default");
    for (name, form, _) in SETTINGS {
        let _ = write!(sentence, ", {name}={form}");
    }
    LimitsError(sentence)
}

fn milliseconds(value: &str) -> Option<Duration> {
    value.parse().ok().map(Duration::from_millis)
}

fn on_or_off(value: &str) -> Option<bool> {
    match value {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

/// `RATE` or `RATE/BURST`, neither of them below zero; without a burst it is as large as the rate, and at least 1.
fn rate(value: &str) -> Option<Rate> {
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    match value.split_once('/') {
        Some((rate, burst)) => Some(Rate::new(number(burst)?, number(rate)?)),
        None => number(value).map(|rate| Rate::new(rate.max(1.0), rate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_changes_the_preset_before_it() {
        let limits: Limits =
            "aws-new-account,lambda-concurrency=20,ses-verified=A@example.com".parse().unwrap();
        assert_eq!(limits.lambda_concurrency, Some(20));
        assert_eq!(limits.sms_rate, Limits::aws_new_account().sms_rate);
        assert!(limits.ses_verified.unwrap().contains("a@example.com"));
        let limits: Limits = "throttle=draw-winners:600".parse().unwrap();
        assert_eq!(limits.windows, [Window::of_function("draw-winners", Duration::from_secs(600))]);
        assert_eq!(limits.lambda_concurrency, None, "nothing else is limited");
    }

    #[test]
    fn every_setting_takes_what_its_form_says() {
        for (name, form, _) in SETTINGS {
            let value = match form {
                "N" => "7",
                "on|off" => "on",
                RATE => "3/9",
                "ADDRESS|DOMAIN" => "example.com",
                "OPERATION:RATE[/BURST]" => "Publish:3",
                _ => "send-sms:5",
            };
            let set = format!("{name}={value}").parse::<Limits>().unwrap();
            assert_ne!(set, Limits::default(), "{name}={value} sets nothing");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_list() {
        for word in ["aws", "lambda-concurency=3", ""] {
            let sentence = word.parse::<Limits>().unwrap_err().to_string();
            assert!(
                sentence.contains("aws-new-account") && sentence.contains("lambda-concurrency=N"),
                "{sentence}"
            );
        }
        let sentence = "lambda-concurrency=many".parse::<Limits>().unwrap_err().to_string();
        assert_eq!(sentence, "lambda-concurrency=many: write it as lambda-concurrency=N");
        assert!("sms-rate=-1".parse::<Limits>().is_err());
    }
}
