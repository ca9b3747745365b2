//! Lotteries: created once, listed by id, changed by their organisers.

use lottery::manifest::Version;
use lottery::{Commitment, EmailThrough, Locale, Lottery, LotteryId};

use crate::item::{Attributes, Item, NewItem, flag, json, number, text};
use crate::participants::counted_from_the_beginning;
use crate::read::Order;
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Page, Store, StoreError, keys};

/// The result of [`Store::create_lottery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateLottery {
    /// The lottery is new.
    Created,
    /// The id is taken; nothing changed.
    Exists,
}

impl Store {
    /// Creates a lottery, unless its id is taken.
    pub async fn create_lottery(&self, lottery: &Lottery) -> Result<CreateLottery, StoreError> {
        let listing = NewItem::at(keys::lottery_listing(&lottery.lottery_id));
        let counts = counted_from_the_beginning(&lottery.lottery_id);
        let writes = [Write::create(lottery_item(lottery)), Write::put(listing), Write::put(counts)];
        match self.transact(&writes).await? {
            Outcome::Done => Ok(CreateLottery::Created),
            Outcome::Refused(_) => Ok(CreateLottery::Exists),
        }
    }

    /// Writes the settings of a lottery that was read before; `false` if they have been changed since.
    pub async fn change_settings(&self, lottery: &Lottery) -> Result<bool, StoreError> {
        let mut set =
            "SET #name = :name, locale = :locale, time_zone = :zone, open_to_join = :open, joining = \
                       :joining, messages = :messages, settings_revision = :next"
                .to_owned();
        let mut remove = Vec::new();
        let mut values = Vec::new();
        let Lottery { country, closed_at, deleted_at, collect, .. } = lottery;
        for (name, value) in [
            ("country", country.as_ref().map(text)),
            ("sms_sender", lottery.sms_sender.as_ref().map(text)),
            ("closed_at", closed_at.map(text)),
            ("deleted_at", deleted_at.map(text)),
            ("collect", collect.as_ref().map(json)),
        ] {
            match value {
                None => remove.push(name),
                Some(value) => {
                    set.push_str(&format!(", {name} = :{name}"));
                    values.push((format!(":{name}"), value));
                }
            }
        }
        if !remove.is_empty() {
            set.push_str(&format!(" REMOVE {}", remove.join(", ")));
        }
        let unchanged = match lottery.settings_revision {
            0 => "attribute_exists(pk) AND attribute_not_exists(settings_revision)",
            _ => "settings_revision = :seen",
        };
        let mut write = Write::update(keys::lottery(&lottery.lottery_id), set)
            .only_if(unchanged)
            .name("#name", "name")
            .value(":name", text(&lottery.name))
            .value(":locale", text(lottery.locale))
            .value(":zone", text(&lottery.time_zone))
            .value(":open", flag(lottery.open_to_join))
            .value(":joining", json(&lottery.joining))
            .value(":messages", json(&lottery.messages))
            .value(":next", number(lottery.settings_revision + 1));
        if lottery.settings_revision > 0 {
            write = write.value(":seen", number(lottery.settings_revision));
        }
        let write = values.into_iter().fold(write, |write, (name, value)| write.value(&name, value));
        Ok(matches!(self.write(&write).await?, Outcome::Done))
    }

    /// Takes a lottery off the list of lotteries. It is still found by its id.
    pub async fn unlist_lottery(&self, lottery_id: &LotteryId) -> Result<(), StoreError> {
        self.write(&Write::delete(keys::lottery_listing(lottery_id))).await.map(|_| ())
    }

    /// A lottery.
    pub async fn lottery(&self, lottery_id: &LotteryId) -> Result<Option<Lottery>, StoreError> {
        self.get(&keys::lottery(lottery_id)).await?.map(|item| lottery_from(&item)).transpose()
    }

    /// A page of the lotteries, by id.
    pub async fn lotteries(&self, cursor: Option<&str>, limit: usize) -> Result<Page<Lottery>, StoreError> {
        let after = cursor.map(LotteryId::parse).transpose().map_err(|_| StoreError::InvalidCursor)?;
        let after = after.as_ref().map(LotteryId::as_str);
        let listed = self.page_of_sort_keys(&keys::lotteries(), Order::Ascending, after, limit).await?;
        let keys =
            listed.items.iter().filter_map(|id| LotteryId::parse(id).ok()).map(|id| keys::lottery(&id));
        let items = self.get_many(Table::Lottery, &keys.collect::<Vec<_>>()).await?;
        let mut lotteries = items.iter().map(lottery_from).collect::<Result<Vec<_>, _>>()?;
        lotteries.sort_by(|one, other| one.lottery_id.cmp(&other.lottery_id));
        Ok(Page { items: lotteries, cursor: listed.cursor })
    }
}

fn lottery_item(lottery: &Lottery) -> NewItem {
    NewItem::at(keys::lottery(&lottery.lottery_id))
        .with("lottery_id", text(&lottery.lottery_id))
        .with("name", text(&lottery.name))
        .with("locale", text(lottery.locale))
        .with("time_zone", text(&lottery.time_zone))
        .with_some("country", lottery.country.as_ref().map(text))
        .with("open_to_join", flag(lottery.open_to_join))
        .with("email_through", json(&lottery.email_through))
        .with_some("topic_arn", lottery.topic_arn.as_ref().map(text))
        .with("created_at", text(lottery.created_at))
        .with_some("open_draw", lottery.open_draw.as_ref().map(text))
        .with("next_sequence", number(lottery.next_sequence))
        .with_some("last_sealed", lottery.last_sealed.as_ref().map(text))
        .with("manifest_version", number(u32::from(lottery.manifest_version)))
}

pub(crate) fn lottery_from(item: &Item) -> Result<Lottery, StoreError> {
    let item = Attributes(item);
    Ok(Lottery {
        lottery_id: item.parse("lottery_id")?,
        name: item.parse("name")?,
        locale: item.parse_with("locale", Locale::parse)?,
        time_zone: item.parse("time_zone")?,
        country: item.parse_optional("country")?,
        open_to_join: item.flag("open_to_join")?,
        joining: item.optional_json("joining")?.unwrap_or_default(),
        messages: item.optional_json("messages")?.unwrap_or_default(),
        collect: item.optional_json("collect")?,
        sms_sender: item.parse_optional("sms_sender")?,
        closed_at: item.parse_optional("closed_at")?,
        deleted_at: item.parse_optional("deleted_at")?,
        settings_revision: item.optional_number("settings_revision")?.unwrap_or(0),
        email_through: item.json::<EmailThrough>("email_through")?,
        topic_arn: item.optional_text("topic_arn")?.map(str::to_owned),
        created_at: item.timestamp("created_at")?,
        open_draw: item.parse_optional("open_draw")?,
        next_sequence: item.number("next_sequence")?,
        last_sealed: item.parse_optional("last_sealed")?,
        last_commitment: match item.optional_text("last_commitment")? {
            None => None,
            Some(_) => Some(item.parse_with("last_commitment", Commitment::parse)?),
        },
        // Older code has stored none, and its participants have receipts of the first version.
        manifest_version: match item.optional_number::<u32>("manifest_version")? {
            None => Version::One,
            Some(number) => Version::try_from(number)
                .map_err(|_| StoreError::Broken("attribute manifest_version".to_owned()))?,
        },
    })
}
