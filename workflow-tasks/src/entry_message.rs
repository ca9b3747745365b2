//! The words to those on the sealed list: what the draw was committed to, and that they have not won.

use lottery::Locale;
use lottery::message::{OwnWording, Template, Values};

use crate::message::{Email, MAX_PARTS, Wording, is_subject, within_parts};

/// What the draw was committed to.
#[derive(Clone, Copy)]
pub(crate) struct Announcement<'a> {
    pub(crate) locale: Locale,
    pub(crate) lottery_id: &'a str,
    pub(crate) lottery: &'a str,
    pub(crate) name: &'a str,
    /// In hexadecimal.
    pub(crate) commitment: &'a str,
    pub(crate) round: u64,
    /// When the round comes out, in UTC.
    pub(crate) round_at: &'a str,
    /// The short name of the person's receipt.
    pub(crate) code: &'a str,
    /// The address of the draw.
    pub(crate) link: &'a str,
    /// The address of the person's own entry, with the receipt.
    pub(crate) entry: &'a str,
}

impl Announcement<'_> {
    fn text(&self) -> String {
        let Self { lottery, name, commitment, round, round_at, code, link, entry, .. } = self;
        match self.locale {
            Locale::En => format!(
                "Hello {name},\n\nthe list of {lottery} is sealed, and you are on it. Nobody knows yet who wins.\n\n\
                 Commitment: {commitment}\nDecided by: round {round} of drand, at {round_at}\nThe draw: {link}\n\
                 Your own entry ({code}): {entry}\n\n\
                 Keep this message, and the link to yourself. If the proof of the draw has another commitment or round, \
                 somebody has changed the list or the time afterwards.\n"
            ),
            Locale::ZhCn => format!(
                "{name}，您好！\n\n“{lottery}”的名单已封存，您在名单中。此刻无人知道谁会中奖。\n\n\
                 承诺值：{commitment}\n决定结果的轮次：drand 第 {round} 轮，{round_at}\n抽奖：{link}\n\
                 您自己的参与记录（{code}）：{entry}\n\n\
                 请保存此消息，并勿将链接告诉他人。如果抽奖证明中的承诺值或轮次与此不同，说明有人事后改动了名单或时间。\n"
            ),
        }
    }

    fn subject(&self) -> String {
        match self.locale {
            Locale::En => format!("The list of {} is sealed", self.lottery),
            Locale::ZhCn => format!("“{}”的名单已封存", self.lottery),
        }
    }
}

impl Wording for Announcement<'_> {
    /// Without the link to the entry, which alone would take three parts.
    fn sms(&self) -> String {
        let Self { lottery, commitment, round, round_at, code, .. } = self;
        let text = match self.locale {
            Locale::En => {
                format!(
                    "{lottery}: list sealed. Commitment {commitment}, round {round}, {round_at}. Your entry: {code}"
                )
            }
            Locale::ZhCn => {
                format!(
                    "【{lottery}】名单已封存。承诺值 {commitment}，轮次 {round}，{round_at}。您的回执：{code}"
                )
            }
        };
        within_parts(text, MAX_PARTS)
    }

    fn topic_email(&self) -> Email {
        let english = Self { locale: Locale::En, ..*self };
        let subject = Some(english.subject()).filter(|subject| is_subject(subject));
        let of_id = || Self { lottery: self.lottery_id, ..english }.subject();
        Email { subject: subject.unwrap_or_else(of_id), text: self.text() }
    }

    fn ses_email(&self) -> Email {
        Email { subject: self.subject(), text: self.text() }
    }
}

/// That somebody has not won.
#[derive(Clone, Copy)]
pub(crate) struct NotWon<'a> {
    pub(crate) locale: Locale,
    pub(crate) lottery_id: &'a str,
    pub(crate) lottery: &'a str,
    pub(crate) name: &'a str,
    /// The address of the draw.
    pub(crate) link: &'a str,
    /// The address of the person's own entry, with the receipt.
    pub(crate) entry: &'a str,
    /// The organiser's own words, where there are any.
    pub(crate) own: &'a OwnWording,
}

impl NotWon<'_> {
    fn fill(&self, own: Option<&Template>) -> Option<String> {
        let Self { lottery, name, link, entry, .. } = self;
        Some(own?.fill(Values { name, prize: "", lottery, link, entry, claim_link: link }))
    }

    fn text(&self) -> String {
        if let Some(own) = self.fill(self.own.others_email_text.as_ref()) {
            return own + "\n";
        }
        let Self { lottery, name, link, entry, .. } = self;
        match self.locale {
            Locale::En => format!(
                "Hello {name},\n\nthank you for taking part in {lottery}. You have not won this time.\n\n\
                 The result of the draw: {link}\n\nYour own entry, and how to check that the draw was fair: {entry}\n"
            ),
            Locale::ZhCn => format!(
                "{name}，您好！\n\n感谢您参加“{lottery}”，这次未能中奖。\n\n抽奖结果：{link}\n\n\
                 您自己的参与记录，以及核对抽奖是否公平的方法：{entry}\n"
            ),
        }
    }

    fn subject(&self) -> String {
        match self.locale {
            Locale::En => format!("The result of {}", self.lottery),
            Locale::ZhCn => format!("“{}”抽奖结果", self.lottery),
        }
    }
}

impl Wording for NotWon<'_> {
    fn sms(&self) -> String {
        let Self { lottery, link, .. } = self;
        let built_in = || match self.locale {
            Locale::En => format!("{lottery}: thank you for taking part. You have not won this time. {link}"),
            Locale::ZhCn => format!("【{lottery}】感谢参加，这次未能中奖。{link}"),
        };
        within_parts(self.fill(self.own.others_sms.as_ref()).unwrap_or_else(built_in), MAX_PARTS)
    }

    fn topic_email(&self) -> Email {
        let own = self.fill(self.own.others_email_subject.as_ref());
        let english = Self { locale: Locale::En, ..*self }.subject();
        let subject = own.into_iter().chain([english]).find(|subject| is_subject(subject));
        let of_id = || format!("The result of {}", self.lottery_id);
        Email { subject: subject.unwrap_or_else(of_id), text: self.text() }
    }

    fn ses_email(&self) -> Email {
        let own = self.fill(self.own.others_email_subject.as_ref());
        Email { subject: own.unwrap_or_else(|| self.subject()), text: self.text() }
    }
}

#[cfg(test)]
mod tests {
    use lottery::message::Alphabet;

    use super::*;

    fn announcement<'a>(locale: Locale, lottery: &'a str, commitment: &'a str) -> Announcement<'a> {
        Announcement {
            locale,
            lottery_id: "party",
            lottery,
            name: "Rose",
            commitment,
            round: 31_415_926,
            round_at: "2026-12-18 20:00:00 UTC",
            code: "A3F9-20C1",
            link: "https://l.example/lotteries/party/draws/d1",
            entry: "https://l.example/#/lotteries/party/me?receipt=x",
        }
    }

    #[test]
    fn the_whole_commitment_is_in_every_message_and_the_code_in_an_sms_of_few_parts() {
        let commitment = "4b".repeat(32);
        for (locale, lottery, parts) in [
            (Locale::En, "Year-end party", 2),
            (Locale::ZhCn, "2026年会", 2),
            (Locale::ZhCn, &"年".repeat(100), 4),
        ] {
            let words = announcement(locale, lottery, &commitment);
            let sms = words.sms();
            assert_eq!(Alphabet::of(&sms).parts(&sms), parts, "{sms}");
            assert!(sms.contains(&commitment) && sms.ends_with("A3F9-20C1"), "{sms}");
            for Email { subject, text } in [words.topic_email(), words.ses_email()] {
                assert!(text.contains(&commitment) && text.contains("me?receipt=x"), "{subject}: {text}");
            }
            assert!(is_subject(&words.topic_email().subject));
        }
    }

    #[test]
    fn who_has_not_won_reads_the_organisers_own_words_or_the_built_in_ones() {
        let template = |text: &str| Some(Template::parse(text, Template::MAX_TEXT).unwrap());
        let own = OwnWording { others_sms: template("{name}, next time! {link}"), ..OwnWording::default() };
        for locale in [Locale::En, Locale::ZhCn] {
            let built_in = OwnWording::default();
            let words = NotWon {
                locale,
                lottery_id: "party",
                lottery: "年会",
                name: "Rose",
                link: "https://l.example/d",
                entry: "https://l.example/#/e",
                own: &built_in,
            };
            assert!(words.sms().contains("https://l.example/d"));
            assert_eq!(words.topic_email().subject, "The result of party");
            assert!(words.ses_email().subject.contains("年会") && words.ses_email().text.contains("/#/e"));
            assert_eq!(NotWon { own: &own, ..words }.sms(), "Rose, next time! https://l.example/d");
        }
    }
}
