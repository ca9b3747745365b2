//! The texts of the messages to winners: the SMS, and the subject and text of the e-mail.

use lottery::Locale;
use lottery::message::{Alphabet, OwnWording, Values};
use unicode_segmentation::UnicodeSegmentation;

/// The most parts of an SMS in the organiser's own words: what their names make longer is cut.
pub(crate) const MAX_PARTS: usize = 4;
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
    /// How the prize is claimed, if it has to be.
    pub(crate) claim: Option<Claim<'a>>,
    /// The organiser's own words, where there are any.
    pub(crate) own: &'a OwnWording,
}

/// How a prize is claimed.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    /// The address at which the winner does it.
    pub(crate) link: &'a str,
    /// How long the winner has, in seconds.
    pub(crate) within_seconds: u32,
}

impl<'a> Facts<'a> {
    /// What the placeholders of the organiser's own words stand for.
    fn values(self) -> Values<'a> {
        let Self { lottery, prize, winner, link, check, claim, .. } = self;
        let claim_link = claim.map_or(link, |claim| claim.link);
        Values { name: winner, prize, lottery, link, entry: check, claim_link }
    }
}

/// An e-mail.
pub(crate) struct Email {
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// What a message says, in the forms that the channels have.
pub(crate) trait Wording {
    /// The SMS.
    fn sms(&self) -> String;
    /// The e-mail through the topic, whose subject is ASCII.
    fn topic_email(&self) -> Email;
    /// The e-mail through SES.
    fn ses_email(&self) -> Email;
}

impl Wording for Facts<'_> {
    fn sms(&self) -> String {
        sms(*self)
    }

    fn topic_email(&self) -> Email {
        topic_email(*self)
    }

    fn ses_email(&self) -> Email {
        ses_email(*self)
    }
}

/// The SMS: the organiser's own words, or one message of 160 GSM-7 or 70 UCS-2 characters. What does not fit is shortened in the
/// names of lottery and prize; a winner's name that leaves them no room is left out whole. Where the prize has to be claimed,
/// the address for it is always whole, and the SMS has as many parts as that takes.
fn sms(facts: Facts<'_>) -> String {
    let claim = facts.claim.map(|claim| claim.link);
    if let Some(own) = &facts.own.sms {
        let text = own.fill(facts.values());
        return match claim {
            Some(link) => with_link(&text, link),
            None => within_parts(text, MAX_PARTS),
        };
    }
    if let Some(claim) = facts.claim {
        return claim_sms(facts, claim);
    }
    let by_name = |lottery: &str, prize: &str| match facts.locale {
        Locale::En => format!("{lottery}: congratulations {}! You have won: {prize}", facts.winner),
        Locale::ZhCn => format!("【{lottery}】恭喜{}，您抽中了：{prize}！", facts.winner),
    };
    let plain = |lottery: &str, prize: &str| match facts.locale {
        Locale::En => format!("{lottery}: congratulations! You have won: {prize}"),
        Locale::ZhCn => format!("【{lottery}】恭喜，您抽中了：{prize}！"),
    };
    fit(facts, 1, by_name).or_else(|| fit(facts, 1, plain)).unwrap_or_else(|| plain("", ""))
}

/// The SMS to a winner who has to claim: in one part if that is enough, else in two or three.
fn claim_sms(facts: Facts<'_>, Claim { link, within_seconds }: Claim<'_>) -> String {
    let time = duration(facts.locale, within_seconds);
    let winner = facts.winner;
    let by_name = |lottery: &str, prize: &str| match facts.locale {
        Locale::En => {
            format!(
                "{lottery}: congratulations {winner}! You have won: {prize}. Confirm within {time}: {link}"
            )
        }
        Locale::ZhCn => format!("【{lottery}】恭喜{winner}，您抽中了：{prize}！请在{time}内确认：{link}"),
    };
    let plain = |lottery: &str, prize: &str| match facts.locale {
        Locale::En => format!("{lottery}: you have won: {prize}. Confirm within {time}: {link}"),
        Locale::ZhCn => format!("【{lottery}】您抽中了：{prize}！请在{time}内确认：{link}"),
    };
    let whole = by_name(facts.lottery, facts.prize);
    let parts = Alphabet::of(&whole).parts(&whole);
    let within = |parts| fit(facts, parts, by_name).or_else(|| fit(facts, parts, plain));
    if parts < MAX_PARTS {
        return whole;
    }
    (1..MAX_PARTS).find_map(within).unwrap_or_else(|| with_link("", link))
}

/// A text with an address in it, or behind it: of a text that is too long the address is what stays.
fn with_link(text: &str, link: &str) -> String {
    if text.contains(link) && Alphabet::of(text).parts(text) <= MAX_PARTS {
        return text.to_owned();
    }
    let text = text.replace(link, "");
    let mut parts = MAX_PARTS;
    while parts > 0 {
        let whole = format!("{} {link}", within_parts(text.trim().to_owned(), parts));
        if Alphabet::of(&whole).parts(&whole) <= MAX_PARTS {
            return whole.trim_start().to_owned();
        }
        parts -= 1;
    }
    link.to_owned()
}

/// A time to claim, in words: in days, hours or minutes, whichever it is a number of.
fn duration(locale: Locale, seconds: u32) -> String {
    let minutes = seconds.div_ceil(60);
    let (count, unit) = match minutes {
        days if days % 1440 == 0 => (days / 1440, 0),
        hours if hours % 60 == 0 => (hours / 60, 1),
        minutes => (minutes, 2),
    };
    match (locale, count) {
        (Locale::En, 1) => format!("1 {}", ["day", "hour", "minute"][unit]),
        (Locale::En, count) => format!("{count} {}", ["days", "hours", "minutes"][unit]),
        (Locale::ZhCn, count) => format!("{count}{}", ["天", "小时", "分钟"][unit]),
    }
}

/// The e-mail through the topic. SNS requires an ASCII subject: a name that is not ASCII is replaced by the lottery's id.
fn topic_email(facts: Facts<'_>) -> Email {
    if let Some(own) = &facts.own.email_text {
        let mut text = own.fill(facts.values());
        if let Some(claim) = facts.claim.filter(|claim| !text.contains(claim.link)) {
            text = format!("{text}\n\n{}", claim.link);
        }
        return Email { subject: subject(facts), text: text + "\n" };
    }
    let Facts { lottery, prize, winner, link, check, .. } = facts;
    let to_claim = facts.claim.map_or_else(String::new, |Claim { link, within_seconds }| {
        let time = duration(facts.locale, within_seconds);
        match facts.locale {
            Locale::En => format!(
                "Please confirm here within {time} that you take the prize; otherwise it goes to somebody else: {link}\n\n"
            ),
            Locale::ZhCn => format!("请在{time}内在此确认领奖，否则奖品将转给下一位：{link}\n\n"),
        }
    });
    let text = match facts.locale {
        Locale::En => format!(
            "Hello {winner},\n\ncongratulations! In the draw of {lottery} you have won: {prize}\n\n{to_claim}\
             The result of the draw: {link}\n\n\
             Your own entry, and how to check that the draw was fair: {check}\n"
        ),
        Locale::ZhCn => {
            format!(
                "{winner}，您好！\n\n恭喜您在“{lottery}”的抽奖中获得：{prize}。\n\n{to_claim}抽奖结果：{link}\n\n您自己的参与记录，以及核对抽奖是否公平的方法：{check}\n"
            )
        }
    };
    Email { subject: subject(facts), text }
}

/// The e-mail through SES: its subject is in the lottery's language.
fn ses_email(facts: Facts<'_>) -> Email {
    if let Some(own) = &facts.own.email_subject {
        return Email { subject: own.fill(facts.values()), ..topic_email(facts) };
    }
    let Facts { lottery, prize, .. } = facts;
    let subject = match facts.locale {
        Locale::En => format!("You have won: {prize} ({lottery})"),
        Locale::ZhCn => format!("恭喜您抽中了：{prize}（{lottery}）"),
    };
    Email { subject, ..topic_email(facts) }
}

fn subject(facts: Facts<'_>) -> String {
    let own = facts.own.email_subject.as_ref().map(|own| own.fill(facts.values()));
    if let Some(own) = own.filter(|own| is_subject(own)) {
        return own;
    }
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

/// Whether SNS takes a subject: printable ASCII that begins with no blank.
pub(crate) fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.starts_with(' ')
}

/// The text with as much of both names as fits an SMS of so many parts; none if less than a quarter of one is left for them.
fn fit(facts: Facts<'_>, parts: usize, text: impl Fn(&str, &str) -> String) -> Option<String> {
    let whole = text(facts.lottery, facts.prize);
    let alphabet = Alphabet::of(&whole);
    let capacity = alphabet.capacity(parts);
    if alphabet.parts(&whole) <= parts {
        return Some(whole);
    }
    // An extended character at the end of a part may leave a unit of it empty.
    let capacity = if parts > 1 { capacity - parts } else { capacity };
    let room = capacity.checked_sub(alphabet.length(&text("", "")))?;
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

/// As much of a text as `parts` parts hold, cut only between the characters that a reader sees.
pub(crate) fn within_parts(text: String, parts: usize) -> String {
    let alphabet = Alphabet::of(&text);
    if alphabet.parts(&text) <= parts {
        return text;
    }
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        let longer = format!("{kept}{grapheme}{}", alphabet.ellipsis());
        if alphabet.parts(&longer) > parts {
            break;
        }
        kept.push_str(grapheme);
    }
    kept.truncate(kept.trim_end().len());
    kept.push_str(alphabet.ellipsis());
    kept
}

#[cfg(test)]
mod tests {
    use lottery::message::Template;

    use super::*;

    static NO_WORDS: OwnWording = OwnWording {
        sms: None,
        email_subject: None,
        email_text: None,
        others_sms: None,
        others_email_subject: None,
        others_email_text: None,
    };

    fn facts<'a>(locale: Locale, lottery: &'a str, prize: &'a str, winner: &'a str) -> Facts<'a> {
        let (link, check) = ("https://example.com/d", "https://example.com/#/check");
        let own = &NO_WORDS;
        Facts { locale, lottery_id: "party-2026", lottery, prize, winner, link, check, claim: None, own }
    }

    const CLAIM: Claim<'static> = Claim {
        link: "https://lottery.example.com/#/claims/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        within_seconds: 259_200,
    };

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
    fn the_organisers_own_words_are_sent_in_place_of_the_built_in_ones() {
        let template = |text: &str| Some(Template::parse(text, Template::MAX_TEXT).unwrap());
        let own = OwnWording {
            sms: template("{name}: {prize}! Desk 4."),
            email_subject: template("{prize} for you"),
            email_text: template("Dear {name},\n{entry}"),
            ..OwnWording::default()
        };
        let facts = Facts { own: &own, ..facts(Locale::En, "Party", "a bicycle", "Rose") };
        assert_eq!(sms(facts), "Rose: a bicycle! Desk 4.");
        let Email { subject, text } = ses_email(facts);
        assert_eq!(
            (subject.as_str(), text.as_str()),
            ("a bicycle for you", "Dear Rose,\nhttps://example.com/#/check\n")
        );
        assert_eq!(topic_email(facts).subject, "a bicycle for you");
        // SNS takes no subject but ASCII.
        let chinese = Facts { prize: "自行车", ..facts };
        assert_eq!(ses_email(chinese).subject, "自行车 for you");
        assert_eq!(topic_email(chinese).subject, "You have won: a prize (Party)");
        let long = "x".repeat(200);
        let many = OwnWording { sms: template(&"{name} ".repeat(12)), ..OwnWording::default() };
        let text = sms(Facts { winner: &long, own: &many, ..facts });
        assert_eq!(Alphabet::of(&text).parts(&text), 4);
    }

    #[test]
    fn the_address_to_claim_is_whole_in_every_message() {
        let facts = |locale, lottery, prize, winner| Facts {
            claim: Some(CLAIM),
            ..facts(locale, lottery, prize, winner)
        };
        let text = sms(facts(Locale::En, "Party", "a bicycle", "Rose"));
        let expected = "Party: congratulations Rose! You have won: a bicycle. Confirm within 3 days: ";
        assert_eq!(text, format!("{expected}{}", CLAIM.link));
        assert!(fits_one_sms(&text));
        let names =
            ["x", &"long name ".repeat(19), &"大奖".repeat(100), &"👩‍👩‍👧‍👦".repeat(20), &"{[€]}".repeat(40)];
        let template = |text: &str| Some(Template::parse(text, Template::MAX_TEXT).unwrap());
        let without = OwnWording {
            sms: template("{name}: {prize}!"),
            email_text: template("Dear {name}"),
            ..OwnWording::default()
        };
        let within = OwnWording { sms: template("{claim_link} {name}: {prize}!"), ..without.clone() };
        for locale in [Locale::En, Locale::ZhCn] {
            for (lottery, prize, winner) in
                names.iter().flat_map(|one| names.iter().map(move |two| (one, two, one)))
            {
                for own in [&NO_WORDS, &without, &within] {
                    let facts = Facts { own, ..facts(locale, lottery, prize, winner) };
                    let text = sms(facts);
                    assert_eq!(text.matches(CLAIM.link).count(), 1, "{text}");
                    assert!(Alphabet::of(&text).parts(&text) <= MAX_PARTS, "{text}");
                    assert_eq!(ses_email(facts).text.matches(CLAIM.link).count(), 1);
                }
            }
        }
        // Where nobody has to claim, the address is that of the result.
        let text =
            sms(Facts { own: &within, ..super::tests::facts(Locale::En, "Party", "a bicycle", "Rose") });
        assert_eq!(text, "https://example.com/d Rose: a bicycle!");
        for (seconds, words) in [
            (60, "1 minute"),
            (5_400, "90 minutes"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (61, "2 minutes"),
        ] {
            assert_eq!(duration(Locale::En, seconds), words);
        }
        assert_eq!(duration(Locale::ZhCn, 259_200), "3天");
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

    #[test]
    fn what_does_not_fit_is_cut_between_characters_that_are_seen() {
        let family = "👩‍👩‍👧‍👦";
        let text = within_parts(family.repeat(60), 2);
        assert_eq!(Alphabet::of(&text).parts(&text), 2);
        assert_eq!(text.strip_suffix('…').unwrap().replace(family, ""), "");
        assert_eq!(within_parts("short".to_owned(), 1), "short");
    }
}
