//! The values, and the languages over them.
