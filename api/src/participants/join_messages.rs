//! What is sent to an address by which somebody enters: the code that confirms it, or the link to the entry that it has.

use lottery::{Address, JoinCode, Locale, Lottery, LotteryId};
use lottery_store::{Contact, PendingJoin};

use crate::error::ApiError;
use crate::messenger::{Message, Recipient};
use crate::state::AppState;

/// The most messages to one address of a lottery within an hour.
const MAX_PER_HOUR: u32 = 5;

/// Whether one more message may be sent to an address, which is counted.
pub(super) async fn may_send(
    state: &AppState,
    lottery_id: &LotteryId,
    address: &Address,
) -> Result<bool, ApiError> {
    Ok(state.store.count_message(lottery_id, address, MAX_PER_HOUR, state.clock.now()).await?)
}

/// Sends the code that confirms an address.
pub(super) async fn send_code(
    state: &AppState,
    lottery: &Lottery,
    address: &Address,
    code: &JoinCode,
) -> Result<(), ApiError> {
    let to = match address {
        Address::Phone(phone) => Recipient::Phone(phone),
        Address::Email(email) => Recipient::Mailbox(email),
    };
    state.send(lottery, to, code_message(lottery, code)).await
}

/// Sends the link to the entry that an address has. The caller does not learn whether it arrived.
pub(super) async fn send_link(
    state: &AppState,
    lottery: &Lottery,
    address: &Address,
    contact: &Contact,
) -> Result<(), ApiError> {
    let to = match address {
        Address::Phone(_) => contact.phone.as_ref().map(Recipient::Phone),
        Address::Email(_) => Recipient::of_email(lottery, contact),
    };
    match to.zip(state.entry_link(lottery, contact)) {
        Some((to, link)) => state.send(lottery, to, link_message(lottery, &link)).await,
        None => Ok(()),
    }
}

fn code_message(lottery: &Lottery, code: &JoinCode) -> Message {
    let (name, minutes) = (&lottery.name, PendingJoin::LASTS.as_mins());
    match lottery.locale {
        Locale::En => Message {
            sms: format!(
                "{name}: your code is {code}. It counts for {minutes} minutes. If you did not join, do nothing."
            ),
            subject: format!("Your code: {code} ({name})"),
            email: format!(
                "Hello,\n\nyour code for joining {name} is {code}. It counts for {minutes} minutes.\n\n\
                 If you did not join, do nothing: without the code nobody enters with this address.\n"
            ),
        },
        Locale::ZhCn => Message {
            sms: format!("【{name}】您的验证码是{code}，{minutes}分钟内有效。如非本人操作，请忽略。"),
            subject: format!("您的验证码：{code}（{name}）"),
            email: format!(
                "您好！\n\n您参加“{name}”的验证码是 {code}，{minutes} 分钟内有效。\n\n\
                 如非本人操作，请忽略：没有验证码，任何人都不能用这个地址参加。\n"
            ),
        },
    }
}

fn link_message(lottery: &Lottery, link: &str) -> Message {
    let name = &lottery.name;
    let subject = match (name.as_str().is_ascii(), name.as_str().len() < 70) {
        (true, true) => format!("Your entry in {name}"),
        _ => format!("Your entry in {}", lottery.lottery_id),
    };
    match lottery.locale {
        Locale::En => Message {
            sms: format!("{name}: you are in. Your own entry: {link}"),
            subject,
            email: format!(
                "Hello,\n\nthis address is in the lottery {name} already. Your own entry: {link}\n\n\
                 Keep the link to yourself: it is your receipt. If you did not ask for it, do nothing.\n"
            ),
        },
        Locale::ZhCn => Message {
            sms: format!("【{name}】您已参加。您自己的参与记录：{link}"),
            subject,
            email: format!(
                "您好！\n\n这个地址已参加“{name}”。您自己的参与记录：{link}\n\n\
                 请妥善保管此链接：它就是您的回执。如非本人操作，请忽略。\n"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lottery::NewLottery;
    use lottery::message::Alphabet;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_fits_one_sms_and_a_subject_is_ascii() {
        let code = JoinCode::from_random(42);
        for (locale, name) in [("en", "Year-end party"), ("zh-CN", "2026年会")] {
            let new = NewLottery::parse(&json!({"id": "party", "name": name, "locale": locale})).unwrap();
            let lottery = new.begin([1; 16], Timestamp::UNIX_EPOCH);
            let Message { sms, email, .. } = code_message(&lottery, &code);
            assert_eq!(Alphabet::of(&sms).parts(&sms), 1, "{sms}");
            assert!(sms.contains("000042") && email.contains("000042") && email.contains(name));
            let Message { sms, subject, email } = link_message(&lottery, "https://l.example/#/x");
            assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
            assert!(sms.ends_with("https://l.example/#/x") && email.contains("https://l.example/#/x"));
        }
    }
}
