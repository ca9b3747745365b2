//! The key of a lottery's fingerprints, in the table of contacts: the drawing role sees fingerprints, and not their key.

use lottery::binding::pool_label;
use lottery::fingerprint::FingerprintKey;
use lottery::manifest::Version;
use lottery::receipt::Receipt;
use lottery::{LotteryId, Participant};

use crate::item::{Attributes, NewItem, bytes};
use crate::write::Write;
use crate::{Store, StoreError, keys};

impl Store {
    /// The key of a lottery's fingerprints, which is made when it is first asked for.
    pub(crate) async fn fingerprint_key(&self, lottery_id: &LotteryId) -> Result<FingerprintKey, StoreError> {
        let key = keys::fingerprint_key(lottery_id);
        if let Some(item) = self.get(&key).await? {
            return Ok(FingerprintKey::from_random(Attributes(&item).bytes32("key")?));
        }
        let made: [u8; 32] = rand::random();
        // Of several that are made at once the first counts.
        self.write(&Write::create(NewItem::at(key.clone()).with("key", bytes(made)))).await?;
        let item = self.get(&key).await?;
        let item =
            item.ok_or_else(|| StoreError::Broken("the key of the fingerprints is gone".to_owned()))?;
        Ok(FingerprintKey::from_random(Attributes(&item).bytes32("key")?))
    }

    /// A receipt like that of a new entry of this participant, which is nobody's: nothing is stored of it, and
    /// [`is_decoy`](Self::is_decoy) knows it again.
    pub async fn decoy(
        &self,
        lottery_id: &LotteryId,
        version: Version,
        participant: &Participant,
    ) -> Result<Receipt, StoreError> {
        let key = self.fingerprint_key(lottery_id).await?;
        let secret = key.decoy(&participant.participant_id, rand::random());
        Ok(Receipt::new(version, pool_label(&secret), &secret, participant))
    }

    /// Whether a receipt was made by [`decoy`](Self::decoy).
    pub async fn is_decoy(&self, lottery_id: &LotteryId, receipt: &Receipt) -> Result<bool, StoreError> {
        let Some(item) = self.get(&keys::fingerprint_key(lottery_id)).await? else { return Ok(false) };
        let key = FingerprintKey::from_random(Attributes(&item).bytes32("key")?);
        Ok(key.is_decoy(receipt.participant_id(), receipt.secret()))
    }
}
