//! The texts of the messages to winners: the SMS, and the subject and text of the e-mail.

use lottery::Locale;
use unicode_segmentation::UnicodeSegmentation;

/// The maximum length of a subject of SNS, in ASCII characters.
const MAX_SUBJECT: usize = 99;

/// The facts that the texts contain.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) locale: Locale,
    pub(crate) lottery_id: &'a str,
    pub(crate) lottery: &'a str,
    pub(crate) prize: &'a str,
    pub(crate) winner: &'a str,
    /// The address of the result of the draw.
    pub(crate) link: &'a str,
    /// The address of the winner's own entry, with the receipt, from which the draw can be checked. It is too long for an SMS.
    pub(crate) check: &'a str,
}

/// An e-mail.
pub(crate) struct Email {
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// The SMS: one message of 160 GSM-7 or 70 UCS-2 characters. What does not fit is shortened in the
/// names of lottery and prize; a winner's name that leaves them no room is left out whole.
pub(crate) fn sms(facts: Facts<'_>) -> String {
    let by_name = |lottery: &str, prize: &str| match facts.locale {
        Locale::En => format!("{lottery}: congratulations {}! You have won: {prize}", facts.winner),
        Locale::ZhCn => format!("【{lottery}】恭喜{}，您抽中了：{prize}！", facts.winner),
    };
    let plain = |lottery: &str, prize: &str| match facts.locale {
        Locale::En => format!("{lottery}: congratulations! You have won: {prize}"),
        Locale::ZhCn => format!("【{lottery}】恭喜，您抽中了：{prize}！"),
    };
    fit(facts, by_name).or_else(|| fit(facts, plain)).unwrap_or_else(|| plain("", ""))
}

/// The e-mail through the topic. SNS requires an ASCII subject: a name that is not ASCII is replaced by the lottery's id.
pub(crate) fn topic_email(facts: Facts<'_>) -> Email {
    let Facts { lottery, prize, winner, link, check, .. } = facts;
    let text = match facts.locale {
        Locale::En => format!(
            "Hello {winner},\n\ncongratulations! In the draw of {lottery} you have won: {prize}\n\n\
             The result of the draw: {link}\n\n\
             Your own entry, and how to check that the draw was fair: {check}\n"
        ),
        Locale::ZhCn => {
            format!(
                "{winner}，您好！\n\n恭喜您在“{lottery}”的抽奖中获得：{prize}。\n\n抽奖结果：{link}\n\n您自己的参与记录，以及核对抽奖是否公平的方法：{check}\n"
            )
        }
    };
    Email { subject: subject(facts), text }
}

/// The e-mail through SES: its subject is in the lottery's language.
pub(crate) fn ses_email(facts: Facts<'_>) -> Email {
    let Facts { lottery, prize, .. } = facts;
    let subject = match facts.locale {
        Locale::En => format!("You have won: {prize} ({lottery})"),
        Locale::ZhCn => format!("恭喜您抽中了：{prize}（{lottery}）"),
    };
    Email { subject, ..topic_email(facts) }
}

fn subject(facts: Facts<'_>) -> String {
    let plain = |text: &str| {
        text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            && text.bytes().next().is_some_and(|byte| byte != b' ')
    };
    let lottery = if plain(facts.lottery) { facts.lottery } else { facts.lottery_id };
    let prize = if plain(facts.prize) { facts.prize } else { "a prize" };
    let fixed = "You have won:  ()".len();
    let (lottery, prize) = shorten_both(lottery, prize, MAX_SUBJECT - fixed, Alphabet::Gsm7, str::len);
    format!("You have won: {prize} ({lottery})")
}

/// The text with as much of both names as fits one SMS; none if less than a quarter of the SMS is left for them.
fn fit(facts: Facts<'_>, text: impl Fn(&str, &str) -> String) -> Option<String> {
    let whole = text(facts.lottery, facts.prize);
    let alphabet = Alphabet::of(&whole);
    if alphabet.length(&whole) <= alphabet.limit() {
        return Some(whole);
    }
    let room = alphabet.limit().checked_sub(alphabet.length(&text("", "")))?;
    if room < alphabet.limit() / 4 {
        return None;
    }
    let (lottery, prize) =
        shorten_both(facts.lottery, facts.prize, room, alphabet, |text| alphabet.length(text));
    Some(text(&lottery, &prize))
}

/// Shortens both names to `room` together: the prize first gets what it needs, the lottery at least a third.
fn shorten_both(
    lottery: &str,
    prize: &str,
    room: usize,
    alphabet: Alphabet,
    length: impl Fn(&str) -> usize,
) -> (String, String) {
    let left = room.saturating_sub(length(prize)).max(room / 3);
    let lottery = shorten(lottery, left, alphabet.ellipsis(), &length);
    let prize = shorten(prize, room - length(&lottery), alphabet.ellipsis(), &length);
    (lottery, prize)
}

/// At most `room` of the text, cut only between the characters that a reader sees.
fn shorten(text: &str, room: usize, ellipsis: &str, length: impl Fn(&str) -> usize) -> String {
    if length(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(length(ellipsis));
    let mut short = String::new();
    for grapheme in text.graphemes(true) {
        let Some(rest) = left.checked_sub(length(grapheme)) else { break };
        left = rest;
        short.push_str(grapheme);
    }
    short.truncate(short.trim_end().len());
    short.push_str(ellipsis);
    short
}

/// The two alphabets of an SMS; a phone network takes the second as soon as one character needs it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Alphabet {
    Gsm7,
    Ucs2,
}

/// The basic characters of GSM 03.38 beyond ASCII letters and digits, and the extended ones that count twice.
const GSM7_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
const GSM7_EXTENDED: &str = "^{}\\[~]|€";

impl Alphabet {
    fn of(text: &str) -> Self {
        let gsm7 = |c: char| c.is_ascii_alphanumeric() || GSM7_BASIC.contains(c) || GSM7_EXTENDED.contains(c);
        if text.chars().all(gsm7) { Self::Gsm7 } else { Self::Ucs2 }
    }

    fn limit(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    fn length(self, text: &str) -> usize {
        match self {
            Self::Gsm7 => text.chars().map(|c| if GSM7_EXTENDED.contains(c) { 2 } else { 1 }).sum(),
            Self::Ucs2 => text.encode_utf16().count(),
        }
    }

    fn ellipsis(self) -> &'static str {
        match self {
            Self::Gsm7 => "...",
            Self::Ucs2 => "…",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(locale: Locale, lottery: &'a str, prize: &'a str, winner: &'a str) -> Facts<'a> {
        let (link, check) = ("https://example.com/d", "https://example.com/#/check");
        Facts { locale, lottery_id: "party-2026", lottery, prize, winner, link, check }
    }

    fn fits_one_sms(text: &str) -> bool {
        let alphabet = Alphabet::of(text);
        alphabet.length(text) <= alphabet.limit()
    }

    #[test]
    fn a_short_sms_names_lottery_winner_and_prize() {
        assert_eq!(
            sms(facts(Locale::En, "Party 2026", "a bicycle", "Rose")),
            "Party 2026: congratulations Rose! You have won: a bicycle"
        );
        assert_eq!(
            sms(facts(Locale::ZhCn, "2026年会", "一等奖", "王小明")),
            "【2026年会】恭喜王小明，您抽中了：一等奖！"
        );
    }

    #[test]
    fn an_sms_is_one_message_whatever_the_names() {
        let names =
            ["x", &"long name ".repeat(19), &"大奖".repeat(100), &"👩‍👩‍👧‍👦".repeat(20), &"{[€]}".repeat(40)];
        for locale in [Locale::En, Locale::ZhCn] {
            for lottery in names {
                for prize in names {
                    for winner in names {
                        let text = sms(facts(locale, lottery, prize, winner));
                        assert!(fits_one_sms(&text), "{} units: {text}", text.encode_utf16().count());
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_prize_is_shortened_and_the_winner_still_named() {
        let text = sms(facts(Locale::En, "Party", &"very long prize ".repeat(12), "Rose"));
        assert!(text.starts_with("Party: congratulations Rose! You have won: very long prize"), "{text}");
        assert!(text.ends_with("..."), "{text}");
        assert!(text.len() > 150, "{text}");
    }

    #[test]
    fn a_winners_name_that_leaves_no_room_is_left_out_whole() {
        let text = sms(facts(Locale::En, "Party", "a bicycle", &"Wolfeschlegelsteinhausen".repeat(8)));
        assert_eq!(text, "Party: congratulations! You have won: a bicycle");
    }

    #[test]
    fn a_name_is_cut_between_visible_characters_only() {
        let family = "👩‍👩‍👧‍👦";
        let combined = "e\u{301}\u{323}";
        for part in [family, combined, "🇨🇳", "𝒳"] {
            let text = shorten(&part.repeat(50), 70, "…", |text| text.encode_utf16().count());
            let kept = text.strip_suffix('…').unwrap();
            assert!(!kept.is_empty());
            assert_eq!(kept.replace(part, ""), "", "{text}");
        }
    }

    #[test]
    fn extended_characters_count_twice() {
        assert_eq!(Alphabet::of("a€[]"), Alphabet::Gsm7);
        assert_eq!(Alphabet::Gsm7.length("a€[]"), 7);
        assert_eq!(Alphabet::of("ç"), Alphabet::Ucs2);
        assert_eq!(Alphabet::Ucs2.length("𝒳"), 2);
    }

    #[test]
    fn a_subject_is_ascii_short_and_on_one_line() {
        let long = "long name ".repeat(19);
        let chinese = "大奖".repeat(50);
        for lottery in ["Party", long.trim(), &chinese] {
            for prize in ["a bicycle", long.trim(), &chinese] {
                for locale in [Locale::En, Locale::ZhCn] {
                    let Email { subject, text } = topic_email(facts(locale, lottery, prize, "Rose"));
                    assert!(subject.len() < 100, "{subject}");
                    assert!(subject.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{subject}");
                    assert!(text.contains(lottery) && text.contains(prize) && text.contains("Rose"));
                    assert!(text.contains("https://example.com/d") && text.contains("/#/check"));
                }
            }
        }
        assert_eq!(
            topic_email(facts(Locale::ZhCn, "年会", "一等奖", "王")).subject,
            "You have won: a prize (party-2026)"
        );
        assert_eq!(
            ses_email(facts(Locale::ZhCn, "年会", "一等奖", "王")).subject,
            "恭喜您抽中了：一等奖（年会）"
        );
    }
}
