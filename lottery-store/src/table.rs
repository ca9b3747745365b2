//! What both tables look like, as data: the local stack creates them from it, and the template of the
//! deployment is held against it.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};

use crate::keys::{PK, SK};
use crate::{Store, StoreError, Tables};

/// The attribute that holds when an item may be dropped, in seconds since 1970.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// A table, billed on demand, whose two key attributes are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// The table's name.
    pub name: String,
    /// The partition key, text.
    pub partition_key: &'static str,
    /// The sort key, text.
    pub sort_key: &'static str,
    /// The attribute that says when an item may be dropped.
    pub time_to_live: Option<&'static str>,
}

/// Both tables.
pub fn table_definitions(tables: &Tables) -> [TableDefinition; 2] {
    let table = |name: &str, time_to_live| TableDefinition {
        name: name.to_owned(),
        partition_key: PK,
        sort_key: SK,
        time_to_live,
    };
    [table(&tables.lottery, Some(EXPIRES_AT)), table(&tables.contacts, Some(EXPIRES_AT))]
}

impl Store {
    /// Creates those of both tables that are not there. On AWS the deployment does this.
    pub async fn create_missing_tables(&self) -> Result<(), StoreError> {
        for definition in table_definitions(self.tables()) {
            self.create_table(&definition).await?;
        }
        Ok(())
    }

    async fn create_table(&self, definition: &TableDefinition) -> Result<(), StoreError> {
        const REASON: &str = "every field is set here";
        let attribute = |name: &str| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .expect(REASON)
        };
        let key = |name: &str, key_type| {
            KeySchemaElement::builder().attribute_name(name).key_type(key_type).build().expect(REASON)
        };
        let created = self
            .client
            .create_table()
            .table_name(&definition.name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute(definition.partition_key))
            .attribute_definitions(attribute(definition.sort_key))
            .key_schema(key(definition.partition_key, KeyType::Hash))
            .key_schema(key(definition.sort_key, KeyType::Range))
            .send()
            .await;
        match created {
            Ok(_) => {}
            // The time to live may still be missing, if the process ended between the two calls.
            Err(error) if error.code() == Some("ResourceInUseException") => {}
            Err(error) => return Err(StoreError::from_sdk(error)),
        }
        match definition.time_to_live {
            Some(attribute) => self.enable_time_to_live(&definition.name, attribute).await,
            None => Ok(()),
        }
    }

    async fn enable_time_to_live(&self, table: &str, attribute: &str) -> Result<(), StoreError> {
        let described = self.client.describe_time_to_live().table_name(table).send().await;
        let described = described.map_err(StoreError::from_sdk)?.time_to_live_description;
        if described.is_some_and(|time_to_live| time_to_live.attribute_name.is_some()) {
            return Ok(());
        }
        let time_to_live = TimeToLiveSpecification::builder()
            .attribute_name(attribute)
            .enabled(true)
            .build()
            .expect("both fields are set");
        let enabled = self
            .client
            .update_time_to_live()
            .table_name(table)
            .time_to_live_specification(time_to_live)
            .send()
            .await;
        enabled.map_err(StoreError::from_sdk).map(|_| ())
    }
}
