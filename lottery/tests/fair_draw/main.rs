//! The fair draw held against published vectors, naive references, statistics, an organiser's cheats, and a
//! second verifier.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bundles;
mod cheats;
mod command_line;
mod fairness;
mod feasibility;
mod naive;
mod quotas;
mod second_verifier;
mod selection;
mod statistics;
mod tampering;
mod vectors;
