//! What a function is told by its environment.

use crate::Function;

/// What a function needs to know: read once, at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The table with the lotteries, draws and winners.
    pub lottery_table: String,
    /// The table with names and addresses.
    pub contacts_table: String,
    /// Where people reach the service, without a slash at the end: e-mails link to it.
    pub public_url: String,
    /// The most that one SMS may cost, in US dollars.
    pub sms_max_price: String,
    /// The sender of e-mails through SES; without one there are none.
    pub email_sender: Option<String>,
    /// The lottery's state machine. The reconciler alone needs it; given to the tasks it would be a
    /// circle, since the state machine names them.
    pub state_machine_arn: Option<String>,
}

/// A variable that the environment must give, and does not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} is not set")]
pub struct MissingVariable(&'static str);

impl Config {
    /// What an SMS may cost if nothing else is said.
    pub const SMS_MAX_PRICE: &str = "0.50";

    /// Reads the environment of `function`, and fails with the name of what is missing.
    pub fn from_env(function: Function) -> Result<Self, MissingVariable> {
        Self::from_lookup(function, |name| std::env::var(name).ok())
    }

    /// Like [`Config::from_env`], from variables that are somewhere else.
    pub fn from_lookup(
        function: Function,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, MissingVariable> {
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(MissingVariable(name));
        Ok(Self {
            lottery_table: required("LOTTERY_TABLE")?,
            contacts_table: required("CONTACTS_TABLE")?,
            public_url: required("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
            email_sender: optional("EMAIL_SENDER"),
            sms_max_price: optional("SMS_MAX_PRICE").unwrap_or_else(|| Self::SMS_MAX_PRICE.to_owned()),
            state_machine_arn: match function {
                Function::ReconcileDraws => Some(required("STATE_MACHINE_ARN")?),
                _ => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(function: Function, set: &[&str]) -> Result<Config, MissingVariable> {
        Config::from_lookup(function, |name| set.contains(&name).then(|| format!("{name}/")))
    }

    #[test]
    fn a_missing_variable_is_named() {
        let tables = ["LOTTERY_TABLE", "CONTACTS_TABLE"];
        assert_eq!(read(Function::SendSms, &tables).unwrap_err(), MissingVariable("PUBLIC_URL"));
        let most = ["LOTTERY_TABLE", "CONTACTS_TABLE", "PUBLIC_URL"];
        assert_eq!(read(Function::ReconcileDraws, &most).unwrap_err(), MissingVariable("STATE_MACHINE_ARN"));
    }

    #[test]
    fn only_the_reconciler_needs_the_state_machine() {
        let config = read(Function::SendSms, &["LOTTERY_TABLE", "CONTACTS_TABLE", "PUBLIC_URL"]).unwrap();
        assert_eq!(config.public_url, "PUBLIC_URL");
        assert_eq!(config.sms_max_price, Config::SMS_MAX_PRICE);
        assert_eq!(config.state_machine_arn, None);
    }
}
