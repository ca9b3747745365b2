//! The list of a lottery as a test compares it.

use std::collections::BTreeMap;

use lottery::{LotteryId, Participant, ParticipantId};
use lottery_store::Store;

/// All participants of a lottery, by id.
pub(crate) async fn everybody(store: &Store, party: &LotteryId) -> BTreeMap<ParticipantId, Participant> {
    let mut people = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = store.participants(party, cursor.as_deref(), 1000, None).await.unwrap();
        people.extend(page.items.into_iter().map(|it| {
            let participant = Participant {
                participant_id: it.participant_id,
                name: it.name,
                phone: it.phone,
                email: it.email,
                group: it.group,
                tickets: it.tickets,
                excluded: it.excluded,
            };
            (participant.participant_id.clone(), participant)
        }));
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => return people,
        }
    }
}
