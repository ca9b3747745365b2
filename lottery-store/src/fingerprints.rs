//! The key of a lottery's fingerprints, in the table of contacts: the drawing role sees fingerprints, and not their key.

use lottery::LotteryId;
use lottery::fingerprint::FingerprintKey;

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
}
