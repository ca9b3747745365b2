//! The request with which an organiser starts a draw.

mod prizes;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use self::prizes::{parse_prizes, winner_count};
use crate::{
    Channel, Claims, Draw, DrawId, DrawStatus, FieldError, Hold, Locale, LotteryId, NotificationCounts,
    NotificationsByChannel, Prize, PrizeList, PrizeListError, PrizeName, Refusal,
};

/// Why a draw request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawRequestError {
    /// No prize, or a prize without winners.
    #[error("every prize of a draw needs at least one winner")]
    NoWinners,
    /// More winners than [`PrizeList::MAX_WINNERS`].
    #[error("a draw has at most {most} winners, not {0}", most = PrizeList::MAX_WINNERS)]
    TooManyWinners(u64),
    /// A field that is unknown, missing or malformed.
    #[error(transparent)]
    Field(#[from] FieldError),
}

impl From<PrizeListError> for DrawRequestError {
    fn from(error: PrizeListError) -> Self {
        match error {
            PrizeListError::NoWinners => Self::NoWinners,
            PrizeListError::TooManyWinners(winners) => Self::TooManyWinners(winners),
            PrizeListError::Field(error) => Self::Field(error),
        }
    }
}

impl DrawRequestError {
    /// The error's name, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoWinners => "NoWinners",
            Self::TooManyWinners(_) => "TooManyWinners",
            Self::Field(_) => "InvalidField",
        }
    }
}

/// A draw as an organiser requests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawRequest {
    /// The prizes in the order of drawing.
    pub prizes: PrizeList,
    /// The number of alternates, who are ranked after the winners and may take forfeited seats.
    pub alternates: u32,
    /// Whether those who won in this lottery before cannot win again.
    pub exclude_past_winners: bool,
    /// Whether only those can win who are marked as present when it is sealed.
    pub present_only: bool,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
    /// Whether the commitment is sent to everybody on the sealed list who has an address.
    pub announce_commitment: bool,
    /// Whether those who took part and have not won are notified of that.
    pub notify_others: bool,
    /// The time before which the entries are not sealed.
    pub closes_at: Option<Timestamp>,
    /// The time at which the deciding round is published, or shortly after; without it, as soon as possible after sealing.
    pub draw_at: Option<Timestamp>,
    /// The channels on which winners are notified; none if nobody is notified.
    pub channels: Vec<Channel>,
    /// What is held back until it is released; none if winners are named and notified at once.
    pub hold: Option<Hold>,
    /// How winners claim their prizes; none if they need not.
    pub claims: Option<Claims>,
}

impl DrawRequest {
    /// The maximum number of alternates of one draw.
    pub const MAX_ALTERNATES: u32 = 10_000;
    /// How far ahead the closing time and the time of the round may be, in days; an execution runs for at most a year.
    const MAX_DAYS_AHEAD: u32 = 360;
    const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(Self::MAX_DAYS_AHEAD as i64 * 24);

    /// The fields that [`parse`](Self::parse) takes.
    pub const FIELDS: [&str; 14] = [
        "winners",
        "prizes",
        "alternates",
        "exclude_past_winners",
        "present_only",
        "rehearsal",
        "announce_commitment",
        "notify_others",
        "closes_at",
        "draw_at",
        "channels",
        "release",
        "release_by",
        "claim_within_seconds",
    ];
    /// The fields of a prize.
    pub const PRIZE_FIELDS: [&str; 3] = ["name", "winners", "quota"];
    /// The fields of a quota.
    pub const QUOTA_FIELDS: [&str; 5] = ["at_least", "at_most", "group", "groups", "without_group"];

    /// Parses `{winners}` or `{prizes: [{name, winners, quota?}]}`, each with the optional fields `alternates`,
    /// `exclude_past_winners`, `present_only`, `rehearsal`, `announce_commitment`, `notify_others`, `closes_at`, `draw_at`,
    /// `channels`, `release`, `release_by` and `claim_within_seconds`. The locale names the prize of `{winners}`.
    pub fn parse(value: &Value, locale: Locale, now: Timestamp) -> Result<Self, DrawRequestError> {
        let members = value.as_object().ok_or_else(|| FieldError::new("draw", Refusal::NotObject))?;
        check_fields(members, &Self::FIELDS)?;
        let prizes = match (members.get("winners"), members.get("prizes")) {
            (Some(winners), None) => {
                let winners = winner_count(winners, "winners")?;
                vec![Prize { name: PrizeName::unnamed(locale), quota: Vec::new(), winners }]
            }
            (None, Some(prizes)) => parse_prizes(prizes)?,
            (None, None) => return Err(FieldError::new("winners", Refusal::Missing).into()),
            (Some(_), Some(_)) => {
                return Err(FieldError::new("winners", Refusal::NotBeside { other: "prizes" }).into());
            }
        };
        let closes_at = parse_time(members, "closes_at", now)?;
        let draw_at = parse_time(members, "draw_at", now)?;
        if let (Some(closes_at), Some(draw_at)) = (closes_at, draw_at)
            && draw_at <= closes_at
        {
            return Err(FieldError::new("draw_at", Refusal::NotAfter { other: "closes_at" }).into());
        }
        Ok(Self {
            prizes: PrizeList::try_from(prizes)?,
            alternates: parse_alternates(members.get("alternates"))?,
            exclude_past_winners: parse_flag(members, "exclude_past_winners")?.unwrap_or(true),
            present_only: parse_flag(members, "present_only")?.unwrap_or(false),
            rehearsal: parse_flag(members, "rehearsal")?.unwrap_or(false),
            announce_commitment: parse_flag(members, "announce_commitment")?.unwrap_or(false),
            notify_others: parse_flag(members, "notify_others")?.unwrap_or(false),
            closes_at,
            draw_at,
            channels: parse_channels(members.get("channels"))?,
            hold: Hold::parse(members.get("release"), members.get("release_by"), closes_at, now)?,
            claims: Claims::parse(members.get("claim_within_seconds"))?,
        })
    }

    /// Makes the draw, created `now` and WAITING.
    pub fn begin(self, lottery_id: LotteryId, draw_id: DrawId, now: Timestamp) -> Draw {
        Draw {
            lottery_id,
            draw_id,
            status: DrawStatus::Waiting,
            reason: None,
            prizes: self.prizes,
            alternates: self.alternates,
            exclude_past_winners: self.exclude_past_winners,
            present_only: self.present_only,
            rehearsal: self.rehearsal,
            announce_commitment: self.announce_commitment,
            announced: NotificationCounts::default(),
            notify_others: self.notify_others,
            others_notified: NotificationCounts::default(),
            closes_at: self.closes_at,
            draw_at: self.draw_at,
            channels: self.channels,
            hold: self.hold,
            claims: self.claims,
            created_at: now,
            sequence: None,
            sealed_at: None,
            entries: None,
            commitment: None,
            round: None,
            round_at: None,
            is_seal_confirmed: true,
            beacon_at: None,
            drawn_at: None,
            recorded_at: None,
            execution_arn: None,
            completed_at: None,
            notifications: None,
            notified: NotificationsByChannel::default(),
            reopened: 0,
            changes: 0,
            passed_on: Vec::new(),
            seat_changes: 0,
            closed_at: None,
        }
    }
}

fn check_fields(members: &Map<String, Value>, known: &[&str]) -> Result<(), DrawRequestError> {
    for field in members.keys() {
        if !known.contains(&field.as_str()) {
            return Err(FieldError::unknown(field).into());
        }
    }
    Ok(())
}

fn parse_alternates(value: Option<&Value>) -> Result<u32, FieldError> {
    let most = DrawRequest::MAX_ALTERNATES;
    match value {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| *count <= most)
            .ok_or_else(|| {
                FieldError::new("alternates", Refusal::OutOfRange { least: 0, most: u64::from(most) })
            }),
    }
}

fn parse_flag(members: &Map<String, Value>, field: &str) -> Result<Option<bool>, FieldError> {
    match members.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(FieldError::new(field, Refusal::NotBoolean)),
    }
}

/// A time ahead, if it is given: that until which entries are taken, or that of the round.
fn parse_time(
    members: &Map<String, Value>,
    field: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, FieldError> {
    let refused = |reason| FieldError::new(field, reason);
    let time: Timestamp = match members.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.parse().map_err(|_| refused(Refusal::NotTime))?,
        Some(_) => return Err(refused(Refusal::NotText)),
    };
    if time <= now {
        return Err(refused(Refusal::NotInFuture));
    }
    if time.duration_since(now) > DrawRequest::MAX_AHEAD {
        return Err(refused(Refusal::TooFarAhead { days: DrawRequest::MAX_DAYS_AHEAD }));
    }
    Ok(Some(time))
}

fn parse_channels(value: Option<&Value>) -> Result<Vec<Channel>, FieldError> {
    let refused = || FieldError::new("channels", Refusal::NotOneOf { values: "sms, email" });
    let named: Vec<Channel> = match value {
        None | Some(Value::Null) => return Ok(Channel::ALL.to_vec()),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().and_then(|name| Channel::parse(name).ok()).ok_or_else(refused))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(refused()),
    };
    Ok(Channel::ALL.into_iter().filter(|channel| named.contains(channel)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Quota;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn parse(value: Value) -> Result<DrawRequest, DrawRequestError> {
        DrawRequest::parse(&value, Locale::En, now())
    }

    #[test]
    fn a_number_of_winners_is_enough() {
        let request = parse(json!({"winners": 2})).unwrap();
        assert_eq!(
            request.prizes.as_slice(),
            [Prize { name: PrizeName::parse("Prize").unwrap(), quota: vec![], winners: 2 }]
        );
        assert_eq!((request.exclude_past_winners, request.closes_at, request.alternates), (true, None, 0));
        assert_eq!(request.channels, Channel::ALL);
        let chinese = DrawRequest::parse(&json!({"winners": 2}), Locale::ZhCn, now()).unwrap();
        assert_eq!(chinese.prizes.as_slice()[0].name.as_str(), "奖品");
    }

    #[test]
    fn prizes_keep_their_order() {
        let request = parse(json!({
            "prizes": [{"name": "Car", "winners": 1}, {"name": "Pen", "winners": 20,
                "quota": [{"group": "a", "at_least": 2}, {"group": "b", "at_most": 3}]}], "alternates": 7,
            "exclude_past_winners": false, "closes_at": "2026-12-24T18:00:00Z", "channels": ["email"]
        }))
        .unwrap();
        let prizes = request.prizes.as_slice();
        let shown: Vec<_> = prizes.iter().map(|p| (p.name.as_str(), p.winners, p.quota.len())).collect();
        assert_eq!(shown, [("Car", 1, 0), ("Pen", 20, 2)]);
        assert_eq!((prizes[1].quota[0].at_least, prizes[1].quota[1].at_most), (Some(2), Some(3)));
        assert_eq!(request.alternates, 7);
        assert!(!request.exclude_past_winners);
        assert_eq!(request.closes_at, Some("2026-12-24T18:00:00Z".parse().unwrap()));
        assert_eq!(request.channels, [Channel::Email]);
    }

    fn parse_quota(quota: Value) -> Result<Quota, String> {
        let request = parse(json!({"prizes": [{"name": "P", "winners": 3, "quota": quota}]}));
        request
            .map(|request| request.prizes.as_slice()[0].quota[0].clone())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_quota_names_groups_together_or_people_without_one_and_has_one_form() {
        for (quota, form) in [
            (json!({"group": "\u{ff33}ales  Team ", "at_most": 1}), json!({"group": "Sales Team"})),
            (json!({"groups": ["a"], "at_most": 1}), json!({"group": "a"})),
            (
                json!({"group": "a", "without_group": false, "groups": null, "at_most": 1}),
                json!({"group": "a"}),
            ),
            (
                json!({"groups": ["b", "a"], "at_most": 1}),
                json!({"groups": ["a", "b"], "without_group": false}),
            ),
            (
                json!({"group": "a", "without_group": true, "at_most": 1}),
                json!({"groups": ["a"], "without_group": true}),
            ),
            (json!({"without_group": true, "at_most": 1}), json!({"groups": [], "without_group": true})),
        ] {
            let mut expected = json!({"at_least": null, "at_most": 1});
            expected.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
            let parsed = parse_quota(json!([quota])).unwrap();
            assert_eq!(serde_json::to_value(&parsed).unwrap(), expected);
        }
    }

    #[test]
    fn a_wrong_quota_is_refused_at_its_path() {
        let (a, none) = (json!({"group": "a", "at_most": 1}), json!({"without_group": true, "at_most": 1}));
        for (quota, expected) in [
            (
                json!([{"at_most": 1}]),
                "prizes[0].quota[0]: names nobody: give group, groups, or without_group: true",
            ),
            (json!([{"groups": [], "at_most": 1}]), "prizes[0].quota[0]: names nobody"),
            (json!([{"without_group": false, "at_most": 1}]), "prizes[0].quota[0]: names nobody"),
            (
                json!([a, {"group": "b", "groups": ["c"]}]),
                "prizes[0].quota[1].group: cannot stand beside groups",
            ),
            (json!([{"groups": "a"}]), "prizes[0].quota[0].groups: must be an array"),
            (json!([{"groups": ["a", 1]}]), "prizes[0].quota[0].groups[1]: must be text"),
            (json!([{"groups": ["a", ""]}]), "prizes[0].quota[0].groups[1]: must have 1 to 64 characters"),
            (json!([{"groups": ["a", "\u{ff41}"]}]), "prizes[0].quota[0].groups: names the group a twice"),
            (json!([{"group": ""}]), "prizes[0].quota[0].group: must have 1 to 64 characters"),
            (json!([{"without_group": 1}]), "prizes[0].quota[0].without_group: must be true or false"),
            (
                json!([{"group": "a", "at_most": -1}]),
                "prizes[0].quota[0].at_most: must be a whole number, 0 to 10000",
            ),
            (json!([{"group": "a", "at_least": 1.5}]), "prizes[0].quota[0].at_least: must be a whole number"),
            (
                json!([{"group": "a", "at_least": 5_000_000_000_u64}]),
                "prizes[0].quota[0].at_least: must be a whole",
            ),
            (json!([{"group": "a", "most": 1}]), "prizes[0].quota[0].most: is not a known field"),
            (json!(["a"]), "prizes[0].quota[0]: must be an object"),
            (json!([a, {"groups": ["b", "a"], "at_most": 1}]), "prizes[0].quota: names the group a twice"),
            (json!([none, none]), "prizes[0].quota: names the people without a group twice"),
            (json!([{"groups": ["b", "a"]}]), "prizes[0].quota: a, b needs at_least or at_most"),
            (
                json!([{"without_group": true}]),
                "prizes[0].quota: people without a group need at_least or at_most",
            ),
        ] {
            let error = parse_quota(quota.clone()).expect_err(&quota.to_string());
            assert!(error.starts_with(expected), "{quota}: {error}");
        }
    }

    #[test]
    fn a_refusal_has_a_name() {
        let prizes = |count: usize| json!({"prizes": vec![json!({"name": "P", "winners": 1}); count]});
        let quota = |quota: Value| json!({"prizes": [{"name": "P", "winners": 1, "quota": [quota]}]});
        for (value, name, expected) in [
            (json!({"winners": 0}), "NoWinners", "at least one"),
            (json!({"prizes": []}), "NoWinners", "at least one"),
            (json!({"prizes": [{"name": "P", "winners": 0}]}), "NoWinners", "at least one"),
            (json!({"winners": 10_001}), "TooManyWinners", "10001"),
            (json!({"winners": u64::MAX}), "TooManyWinners", "18446744073709551615"),
            (
                json!({"prizes": [{"name": "P", "winners": 9_999}, {"name": "Q", "winners": 2}]}),
                "TooManyWinners",
                "10001",
            ),
            (json!({"winners": 1, "alternates": 10_001}), "InvalidField", "alternates"),
            (json!({"winners": 1, "alternates": "2"}), "InvalidField", "alternates"),
            (json!({"winners": 1, "claim_within_seconds": 59}), "InvalidField", "claim_within_seconds"),
            (
                json!({"prizes": [{"name": "P", "winners": 1, "quota": {}}]}),
                "InvalidField",
                "prizes[0].quota",
            ),
            (quota(json!({})), "InvalidField", "prizes[0].quota[0]"),
            (quota(json!({"group": "a", "most": 1})), "InvalidField", "prizes[0].quota[0]"),
            (quota(json!({"group": "a"})), "InvalidField", "prizes[0].quota: a needs at_least or at_most"),
            (quota(json!({"group": "a", "at_least": 2})), "InvalidField", "prizes[0].quota: reserves more"),
            (json!({"winers": 1}), "InvalidField", "winers"),
            (json!({"prizes": [{"name": "P", "winners": 1, "x": 1}]}), "InvalidField", "x:"),
            (json!({}), "InvalidField", "winners"),
            (json!([]), "InvalidField", "draw"),
            (json!({"winners": 1, "prizes": []}), "InvalidField", "winners"),
            (json!({"winners": "2"}), "InvalidField", "winners"),
            (json!({"winners": -1}), "InvalidField", "winners"),
            (json!({"winners": 1.5}), "InvalidField", "winners"),
            (json!({"prizes": 1}), "InvalidField", "prizes"),
            (prizes(101), "InvalidField", "prizes"),
            (json!({"prizes": [1]}), "InvalidField", "prizes[0]"),
            (json!({"prizes": [{"winners": 1}]}), "InvalidField", "prizes[0].name"),
            (json!({"prizes": [{"name": "", "winners": 1}]}), "InvalidField", "prizes[0].name"),
            (json!({"prizes": [{"name": 1, "winners": 1}]}), "InvalidField", "prizes[0].name"),
            (json!({"prizes": [{"name": "P"}]}), "InvalidField", "prizes[0].winners"),
            (json!({"winners": 1, "exclude_past_winners": 1}), "InvalidField", "exclude_past_winners"),
            (json!({"winners": 1, "present_only": "yes"}), "InvalidField", "present_only"),
            (json!({"winners": 1, "rehearsal": 1}), "InvalidField", "rehearsal"),
            (json!({"winners": 1, "closes_at": 5}), "InvalidField", "closes_at"),
            (json!({"winners": 1, "closes_at": "tomorrow"}), "InvalidField", "closes_at"),
            (json!({"winners": 1, "closes_at": "2026-11-22T12:00:00Z"}), "InvalidField", "future"),
            (json!({"winners": 1, "closes_at": "2027-11-17T12:00:01Z"}), "InvalidField", "360 days"),
            (json!({"winners": 1, "release": "soon"}), "InvalidField", "release"),
            (json!({"winners": 1, "draw_at": "2026-11-22T12:00:00Z"}), "InvalidField", "future"),
            (json!({"winners": 1, "draw_at": "2027-11-17T12:00:01Z"}), "InvalidField", "360 days"),
            (
                json!({"winners": 1, "closes_at": "2026-12-01T12:00:00Z", "draw_at": "2026-12-01T12:00:00Z"}),
                "InvalidField",
                "later than closes_at",
            ),
            (json!({"winners": 1, "channels": ["fax"]}), "InvalidField", "channels"),
            (json!({"winners": 1, "channels": "sms"}), "InvalidField", "channels"),
        ] {
            let error = parse(value.clone()).expect_err(&value.to_string());
            assert_eq!(error.name(), name, "{value}");
            assert!(error.to_string().contains(expected), "{value}: {error}");
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        assert!(parse(json!({"winners": 10_000})).is_ok());
        assert_eq!(parse(json!({"winners": 1, "channels": []})).unwrap().channels, []);
        assert!(parse(json!({"winners": 1, "closes_at": "2027-11-17T12:00:00Z"})).is_ok());
        assert!(parse(json!({"winners": 1, "closes_at": "2026-11-22T12:00:01Z"})).is_ok());
        let both =
            json!({"winners": 1, "closes_at": "2026-12-01T12:00:00Z", "draw_at": "2026-12-02T12:00:00Z"});
        assert_eq!(parse(both).unwrap().draw_at, Some("2026-12-02T12:00:00Z".parse().unwrap()));
    }
}
