//! The organiser's own addresses, to which a draw's summary goes. They are contact data: nothing public shows them, the role
//! that draws cannot read them, and they are erased with the lottery's.

use lottery::{Address, Channel, EmailAddress, LotteryId, PhoneNumber};

use crate::item::{Attributes, NewItem, text};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// Where the organiser of a lottery is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganiserAddress {
    /// For SMS.
    pub phone: Option<PhoneNumber>,
    /// For e-mail, through SES.
    pub email: Option<EmailAddress>,
}

impl OrganiserAddress {
    /// The addresses that there are, each with its channel.
    pub fn by_channel(self) -> impl Iterator<Item = (Channel, Address)> {
        let phone = self.phone.map(|phone| (Channel::Sms, Address::Phone(phone)));
        let email = self.email.map(|email| (Channel::Email, Address::Email(email)));
        phone.into_iter().chain(email)
    }
}

impl Store {
    /// The organiser's own addresses of a lottery; none if none was given.
    pub async fn organiser_address(&self, lottery_id: &LotteryId) -> Result<OrganiserAddress, StoreError> {
        let Some(item) = self.get(&keys::organiser(lottery_id)).await? else {
            return Ok(OrganiserAddress::default());
        };
        let item = Attributes(&item);
        Ok(OrganiserAddress { phone: item.parse_optional("phone")?, email: item.parse_optional("email")? })
    }

    /// Stores the organiser's own addresses in place of those before; `false` if the lottery was deleted.
    pub async fn set_organiser_address(
        &self,
        lottery_id: &LotteryId,
        address: &OrganiserAddress,
    ) -> Result<bool, StoreError> {
        let key = keys::organiser(lottery_id);
        let write = match address {
            OrganiserAddress { phone: None, email: None } => Write::delete(key),
            OrganiserAddress { phone, email } => Write::put(
                NewItem::at(key)
                    .with_some("phone", phone.as_ref().map(text))
                    .with_some("email", email.as_ref().map(text)),
            ),
        };
        let lottery = keys::lottery(lottery_id);
        let is_there = Write::check(lottery, "attribute_exists(pk) AND attribute_not_exists(deleted_at)");
        Ok(matches!(self.transact(&[is_there, write]).await?, Outcome::Done))
    }

    /// Erases the organiser's own addresses.
    pub async fn forget_organiser_address(&self, lottery_id: &LotteryId) -> Result<(), StoreError> {
        self.write(&Write::delete(keys::organiser(lottery_id))).await.map(|_| ())
    }
}
