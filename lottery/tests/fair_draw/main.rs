//! The fair draw held against published vectors, naive references, statistics, an organiser's cheats, two other
//! verifiers and a corpus of proofs that all of them must judge alike.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bundles;
mod cheats;
mod command_line;
mod corpus;
mod differential;
mod fairness;
mod feasibility;
mod history;
mod loose;
mod mixed_order;
mod naive;
mod quotas;
mod rehearsal;
mod seat_change_cases;
mod seat_changes;
mod second_manifest;
mod second_verifier;
mod selection;
mod statistics;
mod tampering;
mod vectors;
mod verifiers;
mod witnesses;
