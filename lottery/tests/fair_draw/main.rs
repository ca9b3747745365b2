//! The fair draw held against published vectors, naive references, statistics, an organiser's cheats, and a
//! second verifier.

mod bundles;
mod cheats;
mod fairness;
mod feasibility;
mod naive;

mod second_verifier;
mod selection;
mod statistics;
mod tampering;
mod vectors;
