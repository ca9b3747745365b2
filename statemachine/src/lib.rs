//! A durable Amazon States Language engine.
