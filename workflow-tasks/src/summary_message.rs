//! The words to the organiser: how a draw ended, and, in a rehearsal, what a winner would have read.

use lottery::{DrawStatus, Locale, NotificationCounts, Reason};

use crate::message::{Email, MAX_PARTS, Wording, is_subject, within_parts};

/// How a draw ended.
#[derive(Clone, Copy)]
pub(crate) struct Summary<'a> {
    pub(crate) locale: Locale,
    pub(crate) lottery_id: &'a str,
    pub(crate) lottery: &'a str,
    pub(crate) status: DrawStatus,
    pub(crate) reason: Option<&'a Reason>,
    pub(crate) is_rehearsal: bool,
    pub(crate) winners: usize,
    pub(crate) alternates: usize,
    /// How many winners are released, of a draw that held them back.
    pub(crate) released: Option<usize>,
    /// The messages to winners.
    pub(crate) counts: NotificationCounts,
    /// How many of those that failed did so since the address takes none.
    pub(crate) opted_out: usize,
    /// The address of the draw.
    pub(crate) link: &'a str,
    /// The address at which the draw is checked.
    pub(crate) proof: &'a str,
}

impl Summary<'_> {
    /// What it is called: nobody takes a rehearsal for the draw.
    fn title(&self, locale: Locale, lottery: &str) -> String {
        match (locale, self.is_rehearsal) {
            (Locale::En, false) => format!("Draw of {lottery}"),
            (Locale::En, true) => format!("REHEARSAL, not the draw, of {lottery}"),
            (Locale::ZhCn, false) => format!("“{lottery}”抽奖"),
            (Locale::ZhCn, true) => format!("【彩排，并非抽奖】“{lottery}”"),
        }
    }

    fn outcome(&self, locale: Locale) -> &'static str {
        match (locale, self.status) {
            (Locale::En, DrawStatus::Succeeded) => "completed",
            (Locale::En, DrawStatus::Incomplete) => "completed, some messages not sent",
            (Locale::En, _) => "ended without winners",
            (Locale::ZhCn, DrawStatus::Succeeded) => "已完成",
            (Locale::ZhCn, DrawStatus::Incomplete) => "已完成，部分消息未发送",
            (Locale::ZhCn, _) => "已结束，无人中奖",
        }
    }

    /// The numbers, a line each; why there are none, of a draw without winners.
    fn lines(&self) -> Vec<String> {
        let Self { status, reason, winners, alternates, released, opted_out, .. } = self;
        if !status.has_official_winners() {
            return reason.iter().map(|reason| format!("{}: {}", reason.name, reason.sentence)).collect();
        }
        let NotificationCounts { sent, failed, unknown, .. } = self.counts;
        let mut lines = match self.locale {
            Locale::En => vec![
                format!("Winners: {winners}, alternates: {alternates}"),
                format!("Messages: {sent} sent, {failed} failed ({opted_out} opted out), {unknown} unknown"),
            ],
            Locale::ZhCn => vec![
                format!("中奖 {winners} 人，候补 {alternates} 人"),
                format!("消息：已发送 {sent}，失败 {failed}（其中已退订 {opted_out}），不确定 {unknown}"),
            ],
        };
        if let Some(released) = released {
            let held = winners.saturating_sub(*released);
            lines.push(match self.locale {
                Locale::En => format!("Held back: {held} of {winners} winners"),
                Locale::ZhCn => format!("尚未公布：{winners} 人中 {held} 人"),
            });
        }
        lines
    }

    fn text(&self) -> String {
        let Self { locale, lottery, link, proof, .. } = self;
        let (title, outcome, lines) = (self.title(*locale, lottery), self.outcome(*locale), self.lines());
        let lines = lines.join("\n");
        match locale {
            Locale::En => format!(
                "{title}: {outcome}.\n\n{lines}\n\nThe draw: {link}\nIts proof, to be checked by anybody: {proof}\n"
            ),
            Locale::ZhCn => {
                format!(
                    "{title}{outcome}。\n\n{lines}\n\n抽奖页面：{link}\n抽奖证明，任何人都可核对：{proof}\n"
                )
            }
        }
    }

    fn subject(&self, locale: Locale, lottery: &str) -> String {
        let (title, outcome) = (self.title(locale, lottery), self.outcome(locale));
        match locale {
            Locale::En => format!("{title}: {outcome}"),
            Locale::ZhCn => format!("{title}{outcome}"),
        }
    }
}

impl Wording for Summary<'_> {
    /// In at most four parts; the address of the draw, which leads to the proof, is never cut.
    fn sms(&self) -> String {
        let Self { locale, lottery, link, .. } = self;
        let whole = |lottery: &str, lines: &[String]| {
            let subject = self.subject(*locale, lottery);
            match locale {
                Locale::En => format!("{subject}. {}. {link}", lines.join(". ")),
                Locale::ZhCn => format!("{subject}。{}。{link}", lines.join("；")),
            }
        };
        let lines = self.lines();
        let text = whole(lottery, &lines);
        if within_parts(text.clone(), MAX_PARTS) == text {
            return text;
        }
        whole(self.lottery_id, lines.get(..1).filter(|_| self.status.has_official_winners()).unwrap_or(&[]))
    }

    fn topic_email(&self) -> Email {
        let subject = self.subject(Locale::En, self.lottery);
        let subject = Some(subject).filter(|subject| is_subject(subject));
        let of_id = || self.subject(Locale::En, self.lottery_id);
        Email { subject: subject.unwrap_or_else(of_id), text: self.text() }
    }

    fn ses_email(&self) -> Email {
        Email { subject: self.subject(self.locale, self.lottery), text: self.text() }
    }
}

/// What a winner of a rehearsal would have read, marked as that wherever it is seen.
pub(crate) struct Rehearsed<'a> {
    pub(crate) locale: Locale,
    pub(crate) words: &'a (dyn Wording + Sync),
}

impl Rehearsed<'_> {
    fn mark(&self) -> &'static str {
        match self.locale {
            Locale::En => "[REHEARSAL, nobody has won] ",
            Locale::ZhCn => "【彩排，无人中奖】",
        }
    }

    fn email(&self, email: Email, mark: &str) -> Email {
        let why = match self.locale {
            Locale::En => {
                "This is a rehearsal: nobody has won anything, and no participant was sent this. A winner would read:"
            }
            Locale::ZhCn => "这是彩排：无人中奖，此消息未发送给任何参与者。中奖者会收到：",
        };
        Email { subject: format!("{mark}{}", email.subject), text: format!("{why}\n\n{}", email.text) }
    }
}

impl Wording for Rehearsed<'_> {
    fn sms(&self) -> String {
        within_parts(format!("{}{}", self.mark(), self.words.sms()), MAX_PARTS)
    }

    fn topic_email(&self) -> Email {
        let email = self.email(self.words.topic_email(), "[REHEARSAL] ");
        match is_subject(&email.subject) {
            true => email,
            false => Email { subject: "[REHEARSAL] You have won: a prize".to_owned(), ..email },
        }
    }

    fn ses_email(&self) -> Email {
        self.email(self.words.ses_email(), self.mark())
    }
}

#[cfg(test)]
mod tests {
    use lottery::message::Alphabet;

    use super::*;

    const LINK: &str = "https://l.example/lotteries/party/draws/0123456789abcdef0123456789abcdef";

    fn summary(locale: Locale, lottery: &str, status: DrawStatus) -> Summary<'_> {
        let counts = NotificationCounts { claimed: 0, sent: 118, failed: 2, unknown: 1 };
        Summary {
            locale,
            lottery_id: "party",
            lottery,
            status,
            reason: None,
            is_rehearsal: false,
            winners: 60,
            alternates: 5,
            released: Some(60),
            counts,
            opted_out: 1,
            link: LINK,
            proof: "https://l.example/#/lotteries/party/draws/0123456789abcdef0123456789abcdef/check",
        }
    }

    #[test]
    fn an_organiser_reads_title_numbers_and_both_addresses_in_their_language() {
        let words = summary(Locale::En, "Party", DrawStatus::Incomplete);
        let Email { subject, text } = words.ses_email();
        assert_eq!(subject, "Draw of Party: completed, some messages not sent");
        for part in
            ["60, alternates: 5", "118 sent, 2 failed (1 opted out), 1 unknown", "0 of 60", LINK, "/check"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        let words = summary(Locale::ZhCn, "年会", DrawStatus::Succeeded);
        assert_eq!(words.ses_email().subject, "“年会”抽奖已完成");
        assert!(words.ses_email().text.contains("中奖 60 人，候补 5 人"));
        assert_eq!(words.topic_email().subject, "Draw of party: completed");
    }

    #[test]
    fn the_address_of_the_draw_is_whole_in_an_sms_of_four_parts_at_most() {
        let reason = Reason {
            name: "NotEnoughParticipants".to_owned(),
            sentence: "long ".repeat(200),
            groups: Vec::new(),
        };
        for locale in [Locale::En, Locale::ZhCn] {
            for lottery in ["Party", &"long name ".repeat(9), &"大奖".repeat(50)] {
                for status in [DrawStatus::Succeeded, DrawStatus::Incomplete, DrawStatus::Rejected] {
                    let words = summary(locale, lottery, status);
                    let text = Summary { reason: Some(&reason), ..words }.sms();
                    assert!(text.ends_with(LINK), "{text}");
                    assert!(Alphabet::of(&text).parts(&text) <= MAX_PARTS, "{text}");
                }
            }
        }
    }

    #[test]
    fn a_rehearsal_is_named_first_in_every_form() {
        for (locale, mark) in [(Locale::En, "REHEARSAL"), (Locale::ZhCn, "彩排")] {
            let drawn = summary(locale, "Party", DrawStatus::Succeeded);
            let words = Summary { is_rehearsal: true, ..drawn };
            let sample = Rehearsed { locale, words: &drawn };
            let forms: [&dyn Wording; 2] = [&words, &sample];
            for form in forms {
                for text in [form.sms(), form.ses_email().subject] {
                    assert!(text.find(mark).is_some_and(|at| at <= 3), "{text}");
                }
                assert!(form.topic_email().subject.contains("REHEARSAL"));
                let text = form.ses_email().text;
                let first = text.lines().next().unwrap_or_default();
                assert!(first.to_lowercase().contains(&mark.to_lowercase()), "{text}");
            }
            assert!(!drawn.ses_email().text.contains(mark));
        }
    }
}
