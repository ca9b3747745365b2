//! The template of the deployment: what it allows whom, and what it gives the functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use local_stack::{Grant, Permission, Removal, Template};

/// Read once for all tests of the process.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
    Template::read(&path).unwrap()
});

/// `infra/template.yaml`.
pub fn template() -> Template {
    TEMPLATE.clone()
}

/// The memory of each function, in the gigabytes that Lambda charges by.
pub fn memory_in_gb() -> BTreeMap<String, f64> {
    let functions = template().functions().into_iter();
    functions.map(|(name, figures)| (name, f64::from(figures.memory_mb) / 1024.0)).collect()
}

/// What the child executions of a distributed map take on AWS. The engine starts them itself, so that nothing calls for it here.
const CHILD_EXECUTIONS: &str = "/Resources/ImportParticipantsChildren/";

/// Holds the roles of a template against the calls that were recorded: they allow each, nothing more, and each part of
/// them is missed.
///
/// # Panics
/// If something is missing, or nobody needs it.
pub fn assert_least_privilege(template: &Template, calls: impl IntoIterator<Item = Permission>) {
    let calls: BTreeSet<Permission> = calls.into_iter().filter(|call| template.has(&call.caller)).collect();
    let missing = template.denied_of(&calls);
    assert!(missing.is_empty(), "the template does not allow what is called: {missing:#?}");
    let unused = unused(template, &calls);
    assert!(unused.is_empty(), "the template allows what is never called: {unused:#?}");
    let removals = template.removals().expect("the template has been read");
    assert!(!removals.is_empty(), "the template has no roles");
    let without = |removal| template.without(removal).expect("a part less is a template");
    let is_ours = |removal: &&Removal| !removal.to_string().starts_with(CHILD_EXECUTIONS);
    let missed_by_nobody =
        removals.iter().filter(is_ours).filter(|removal| without(removal).denied_of(&calls).is_empty());
    let missed_by_nobody: Vec<String> = missed_by_nobody.map(ToString::to_string).collect();
    assert!(missed_by_nobody.is_empty(), "nobody misses these parts of the template: {missed_by_nobody:#?}");
}

/// What the template allows although neither these calls nor the services need it.
pub fn unused(template: &Template, calls: &BTreeSet<Permission>) -> Vec<Grant> {
    let mut needed = template.standing_permissions();
    needed.extend(calls.iter().flat_map(|call| template.needed_by(call)));
    // Logs and traces are allowed by one policy for all functions: it is enough that one of them needs it.
    let is_shared = |grant: &Grant| grant.action.starts_with("logs:") || grant.action.starts_with("xray:");
    let covers = |grant: &Grant, call: &Permission| match is_shared(grant) {
        true => Grant { caller: call.caller.clone(), ..grant.clone() }.covers(call),
        false => grant.covers(call),
    };
    let is_unused = |grant: &Grant| !needed.iter().any(|call| covers(grant, call));
    template.grants().into_iter().filter(is_unused).collect()
}
