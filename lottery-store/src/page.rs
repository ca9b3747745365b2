//! One page of a list.

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What the page holds.
    pub items: Vec<T>,
    /// What to ask the next page with; nothing if this is the last.
    pub cursor: Option<String>,
}
