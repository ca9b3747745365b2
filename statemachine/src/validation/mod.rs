//! Everything that is wrong with a definition, at once.
