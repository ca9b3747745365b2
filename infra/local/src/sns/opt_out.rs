//! Phones that have opted out of SMS: they reply STOP, and get no SMS of this account until they are opted in.
//!
//! As on AWS, Publish takes a message for such a phone and delivers nothing; only the list tells.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;

use super::{Answer, Parameters, Sns, SnsError, address};

/// What a phone replies to get no more SMS
/// (<https://docs.aws.amazon.com/sns/latest/dg/sms_manage.html>), in capitals.
const STOP: [&str; 10] =
    ["ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"];

/// What a phone replies to get SMS again, in capitals.
const START: [&str; 2] = ["START", "UNSTOP"];

/// How long a phone that was opted in by OptInPhoneNumber cannot be opted in by it again.
const BETWEEN_OPT_INS: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Sns {
    /// Does what a phone's reply asks for; gives whether the phone has opted out of SMS afterwards. A text that is none of
    /// the words changes nothing.
    pub(crate) fn reply(&mut self, phone: &str, text: &str) -> Result<bool, SnsError> {
        let outcome = self.take_reply(phone, text);
        self.noted(outcome)
    }

    fn take_reply(&mut self, phone: &str, text: &str) -> Result<bool, SnsError> {
        let phone = checked(phone)?;
        let word = text.trim().to_uppercase();
        if STOP.contains(&word.as_str()) {
            self.database.execute(
                "INSERT INTO opted_out (phone) VALUES (?) ON CONFLICT (phone) DO NOTHING",
                [&phone],
            )?;
        } else if START.contains(&word.as_str()) {
            self.database.execute("DELETE FROM opted_out WHERE phone = ?", [&phone])?;
        }
        self.has_opted_out(&phone)
    }

    /// Whether this phone gets no SMS.
    pub(super) fn has_opted_out(&self, phone: &str) -> Result<bool, SnsError> {
        let phone = address::normalised(phone);
        Ok(self.row("SELECT 1 FROM opted_out WHERE phone = ?", &phone, |_| Ok(()))?.is_some())
    }

    pub(super) fn check_if_phone_number_is_opted_out(
        &self,
        parameters: &Parameters,
    ) -> Result<Answer, SnsError> {
        let phone = checked(required(parameters)?)?;
        Ok(Answer::Structure(vec![("isOptedOut", Answer::Flag(self.has_opted_out(&phone)?))]))
    }

    pub(super) fn list_phone_numbers_opted_out(&self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let token = parameters.get("nextToken").or_else(|| parameters.get("NextToken"));
        let (phones, next) = self.page(
            "SELECT number, phone FROM opted_out WHERE number > :after AND :of = '' ORDER BY number LIMIT :limit",
            "",
            token,
            |row| row.get::<_, String>(1),
        )?;
        let phones = phones.into_iter().map(Answer::Text).collect();
        let mut members = vec![("phoneNumbers", Answer::List(phones))];
        members.extend(next.map(|token| ("nextToken", Answer::Text(token))));
        Ok(Answer::Structure(members))
    }

    pub(super) fn opt_in_phone_number(&mut self, parameters: &Parameters) -> Result<Answer, SnsError> {
        let phone = checked(required(parameters)?)?;
        if !self.has_opted_out(&phone)? {
            return Ok(Answer::empty());
        }
        let now = self.settings.clock.now();
        let last: Option<String> =
            self.row("SELECT time FROM opted_in WHERE phone = ?", &phone, |row| row.get(0))?;
        let last = last.and_then(|time| time.parse::<Timestamp>().ok());
        if last.is_some_and(|last| now.duration_since(last) < BETWEEN_OPT_INS) {
            return Err(SnsError::invalid_parameter(
                "PhoneNumber Reason: a phone number can be opted in only once every 30 days",
            ));
        }
        let transaction = self.database.transaction()?;
        transaction.execute("DELETE FROM opted_out WHERE phone = ?", [&phone])?;
        transaction.execute(
            "INSERT INTO opted_in (phone, time) VALUES (?1, ?2) ON CONFLICT (phone) DO UPDATE SET time = ?2",
            params![phone, now.to_string()],
        )?;
        transaction.commit()?;
        Ok(Answer::empty())
    }
}

/// The phone of a call; definitions write its name with a capital.
fn required(parameters: &Parameters) -> Result<&str, SnsError> {
    match parameters.get("PhoneNumber") {
        Some(phone) => Ok(phone),
        None => parameters.require("phoneNumber"),
    }
}

fn checked(phone: &str) -> Result<String, SnsError> {
    let phone = address::normalised(phone);
    if address::is_phone(&phone) {
        Ok(phone)
    } else {
        Err(SnsError::invalid_parameter(format!("PhoneNumber Reason: {phone} is not a valid phone number")))
    }
}
