//! The rates of the services, and how each words that they are exceeded.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use super::rate::Bucket;
use super::{Limits, Rate, Throttled};
use crate::lock::locked;

/// A call of a service.
#[derive(Clone, Debug)]
pub(crate) enum Service<'a> {
    /// An operation of Step Functions.
    StepFunctions(&'a str),
    /// SNS publishes to a phone.
    Sms,
    /// SNS publishes so many messages to a topic.
    Topic(usize),
    /// Another operation of SNS.
    Sns(&'a str),
    /// SES sends to these addresses.
    Ses(&'a [String]),
    /// An operation of DynamoDB on these tables.
    DynamoDb(&'a str, Vec<String>),
}

/// Why a service does not take a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The name of the error, without a namespace.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) message: String,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into() }
    }
}

impl Service<'_> {
    /// What a window is named that throttles it.
    pub(super) fn window(&self) -> Throttled {
        match self {
            Service::StepFunctions(_) => Throttled::StepFunctions,
            Service::Sms | Service::Topic(_) | Service::Sns(_) => Throttled::Sns,
            Service::Ses(_) => Throttled::Ses,
            Service::DynamoDb(..) => Throttled::DynamoDb,
        }
    }

    /// That it comes too often, in the words of the service.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Service::StepFunctions(_) => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
            Service::Sms | Service::Topic(_) | Service::Sns(_) => {
                Refusal::new(429, "Throttled", "Rate exceeded")
            }
            Service::Ses(_) => {
                Refusal::new(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
            }
            Service::DynamoDb(..) => Refusal::new(
                400,
                "ThrottlingException",
                "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly.",
            ),
        }
    }
}

/// The buckets of the services.
#[derive(Debug)]
pub(super) struct Services {
    step_functions: HashMap<String, Bucket>,
    sms: Option<Bucket>,
    topics: Option<Bucket>,
    topic_emails: Option<Bucket>,
    sns: HashMap<String, Bucket>,
    ses: Option<Bucket>,
    /// The times of the e-mails of the last 24 hours, and how many there may be.
    ses_day: Option<(u32, Mutex<VecDeque<Timestamp>>)>,
    ses_verified: Option<Vec<String>>,
    table_rates: (Option<Rate>, Option<Rate>),
    /// By table, and whether it is what is written.
    tables: Mutex<HashMap<(String, bool), Bucket>>,
}

impl Services {
    pub(super) fn new(limits: &Limits, now: Timestamp) -> Services {
        let bucket = |rate: Option<Rate>| rate.map(|rate| Bucket::new(rate, now));
        let buckets = |rates: &std::collections::BTreeMap<String, Rate>| {
            rates.iter().map(|(name, rate)| (name.clone(), Bucket::new(*rate, now))).collect()
        };
        Services {
            step_functions: buckets(&limits.step_functions),
            sms: bucket(limits.sms_rate),
            topics: bucket(limits.topic_rate),
            topic_emails: bucket(limits.topic_email_rate),
            sns: buckets(&limits.sns),
            ses: bucket(limits.ses_rate),
            ses_day: limits.ses_per_day.map(|count| (count, Mutex::default())),
            ses_verified: limits.ses_verified.as_ref().map(|them| them.iter().cloned().collect()),
            table_rates: (limits.table_reads, limits.table_writes),
            tables: Mutex::default(),
        }
    }

    /// Takes the call, or says why not.
    pub(super) fn take(&self, call: &Service<'_>, now: Timestamp) -> Result<(), Refusal> {
        let has = |bucket: Option<&Bucket>, count: usize| {
            bucket.is_none_or(|bucket| bucket.take(count as f64, now))
        };
        let is_taken = match call {
            Service::StepFunctions(operation) => has(self.step_functions.get(*operation), 1),
            Service::Sms => has(self.sms.as_ref(), 1),
            // SNS documents the rate at which it delivers e-mails, not what happens above it; here that is refused.
            Service::Topic(messages) => {
                has(self.topics.as_ref(), *messages) && has(self.topic_emails.as_ref(), *messages)
            }
            Service::Sns(operation) => has(self.sns.get(*operation), 1),
            Service::Ses(addresses) => {
                self.check_sandbox(addresses)?;
                self.check_day(addresses.len(), now)?;
                let is_taken = has(self.ses.as_ref(), addresses.len());
                if is_taken {
                    self.count_day(addresses.len(), now);
                }
                is_taken
            }
            Service::DynamoDb(operation, tables) => self.tables_have_room(operation, tables, now),
        };
        if is_taken { Ok(()) } else { Err(call.refusal()) }
    }

    fn check_sandbox(&self, addresses: &[String]) -> Result<(), Refusal> {
        let Some(verified) = &self.ses_verified else { return Ok(()) };
        let is_verified = |address: &String| {
            let address = address.to_lowercase();
            let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
            verified.iter().any(|it| *it == address || it == domain)
        };
        if addresses.iter().all(is_verified) {
            return Ok(());
        }
        // AWS names the addresses here; no log of ours should hold one.
        Err(Refusal::new(
            400,
            "MessageRejected",
            "Email address is not verified. The following identities failed the check in region US-EAST-1: (not shown)",
        ))
    }

    fn check_day(&self, count: usize, now: Timestamp) -> Result<(), Refusal> {
        let Some((limit, sent)) = &self.ses_day else { return Ok(()) };
        let mut sent = locked(sent);
        while sent.front().is_some_and(|time| now.duration_since(*time) >= SignedDuration::from_hours(24)) {
            sent.pop_front();
        }
        if sent.len() + count > *limit as usize {
            return Err(Refusal::new(429, "TooManyRequestsException", "Daily message quota exceeded."));
        }
        Ok(())
    }

    fn count_day(&self, count: usize, now: Timestamp) {
        if let Some((_, sent)) = &self.ses_day {
            let mut sent = locked(sent);
            sent.extend(std::iter::repeat_n(now, count));
        }
    }

    /// Units are known after a call. So a table that has used more than its rate refuses until that is made up for.
    fn tables_have_room(&self, operation: &str, tables: &[String], now: Timestamp) -> bool {
        let writes = is_write(operation);
        let Some(rate) = (if writes { self.table_rates.1 } else { self.table_rates.0 }) else { return true };
        let mut buckets = locked(&self.tables);
        tables.iter().all(|table| {
            let bucket = buckets.entry((table.clone(), writes)).or_insert_with(|| Bucket::new(rate, now));
            bucket.has_any(now)
        })
    }

    pub(super) fn charge_table(&self, operation: &str, table: &str, units: f64, now: Timestamp) {
        let buckets = locked(&self.tables);
        if let Some(bucket) = buckets.get(&(table.to_owned(), is_write(operation))) {
            bucket.charge(units, now);
        }
    }
}

fn is_write(operation: &str) -> bool {
    matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems")
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn code(services: &Services, call: &Service<'_>, now: Timestamp) -> Option<&'static str> {
        services.take(call, now).err().map(|refusal| refusal.code)
    }

    #[test]
    fn histories_are_read_20_times_a_second_after_the_first_400() {
        let services = Services::new(&Limits::aws_default(), START);
        let read = Service::StepFunctions("GetExecutionHistory");
        assert!((0..400).all(|_| code(&services, &read, START).is_none()));
        assert_eq!(code(&services, &read, START), Some("ThrottlingException"));
        let later = START + SignedDuration::from_secs(1);
        assert!((0..20).all(|_| code(&services, &read, later).is_none()));
        assert_eq!(code(&services, &read, later), Some("ThrottlingException"));
        assert_eq!(code(&services, &Service::StepFunctions("DescribeExecution"), later), None);
    }

    #[test]
    fn phones_and_topics_have_rates_of_their_own() {
        let services = Services::new(&Limits::aws_default(), START);
        assert!((0..20).all(|_| code(&services, &Service::Sms, START).is_none()));
        assert_eq!(code(&services, &Service::Sms, START), Some("Throttled"));
        assert!((0..10).all(|_| code(&services, &Service::Topic(1), START).is_none()));
        assert_eq!(code(&services, &Service::Topic(1), START), Some("Throttled"));
        assert_eq!(code(&services, &Service::Sns("Subscribe"), START), None);
    }

    #[test]
    fn the_sandbox_of_ses_knows_who_is_verified_and_counts_a_day() {
        let limits = "aws-new-account,ses-verified=example.com,ses-per-day=2,ses-rate=100".parse().unwrap();
        let services = Services::new(&limits, START);
        let to = |address: &str| vec![address.to_owned()];
        assert_eq!(code(&services, &Service::Ses(&to("a@example.org")), START), Some("MessageRejected"));
        assert_eq!(code(&services, &Service::Ses(&to("A@Example.com")), START), None);
        assert_eq!(code(&services, &Service::Ses(&to("b@example.com")), START), None);
        let more = to("c@example.com");
        let refusal = services.take(&Service::Ses(&more), START).unwrap_err();
        assert_eq!(refusal.message, "Daily message quota exceeded.");
        assert_eq!(code(&services, &Service::Ses(&more), START + SignedDuration::from_hours(24)), None);
    }

    #[test]
    fn a_table_that_has_used_too_much_waits_and_another_does_not() {
        let services = Services::new(&"table-writes=10".parse().unwrap(), START);
        let write = |table: &str| Service::DynamoDb("PutItem", vec![table.to_owned()]);
        assert_eq!(code(&services, &write("Lottery"), START), None);
        services.charge_table("PutItem", "Lottery", 30.0, START);
        assert_eq!(code(&services, &write("Lottery"), START), Some("ThrottlingException"));
        assert_eq!(code(&services, &write("Contacts"), START), None);
        let read = Service::DynamoDb("GetItem", vec!["Lottery".to_owned()]);
        assert_eq!(code(&services, &read, START), None);
        assert_eq!(code(&services, &write("Lottery"), START + SignedDuration::from_secs(3)), None);
    }
}
