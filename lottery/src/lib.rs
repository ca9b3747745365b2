//! The domain of the prize draw, pure: no clock, no network, no random source.
