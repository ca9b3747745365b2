//! The handle on both tables.

use aws_sdk_dynamodb::Client;

/// The names of both tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Holds lotteries, draws, winners, the ledger: nothing personal.
    pub lottery: String,
    /// Holds names, addresses and nonces.
    pub contacts: String,
}

/// Which of the two tables an item is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Table {
    Lottery,
    Contacts,
}

/// Both tables, reached through the SDK's client. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    tables: Tables,
}

impl Store {
    /// The tables of these names, as this client reaches them.
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }

    /// The names of both tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn table_name(&self, table: Table) -> &str {
        match table {
            Table::Lottery => &self.tables.lottery,
            Table::Contacts => &self.tables.contacts,
        }
    }
}
