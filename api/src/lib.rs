//! The HTTP API of the lottery: one axum router for Lambda, for the local stack and for tests.
