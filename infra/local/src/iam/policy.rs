//! Statements of policies, and what several of them say together.
//!
//! AWS's logic: everything is denied that no statement allows, and a statement that denies wins. Spec:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use serde_json::Value;

use super::condition::{Condition, RequestContext};
use super::pattern::{matches, matches_arn};

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    effect: Effect,
    /// Whom a policy of a resource speaks of; absent in policies of roles.
    principals: Option<Vec<Principal>>,
    pub(super) actions: Patterns,
    /// Absent in trust policies.
    pub(super) resources: Option<Patterns>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

/// Somebody who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// Everyone.
    Anyone,
    /// An account or a role, by its ARN.
    Aws(String),
    /// A service, such as `lambda.amazonaws.com`.
    Service(String),
}

/// Action or NotAction, Resource or NotResource.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    pub(super) patterns: Vec<String>,
    /// Whether it is about what the patterns do not match.
    pub(super) inverted: bool,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(super) struct Request<'a> {
    pub(super) principal: &'a Principal,
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) context: &'a RequestContext,
}

/// What policies say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement speaks of it.
    ImplicitDeny,
}

/// Reads the statements of a policy document; what is not known is refused by name.
pub(super) fn statements(document: &Value) -> Result<Vec<Statement>, String> {
    let Some(members) = document.as_object() else { return Err("a policy is not an object".to_owned()) };
    if let Some(name) = members.keys().find(|name| !["Version", "Id", "Statement"].contains(&name.as_str())) {
        return Err(format!("the policy element {name} is not known"));
    }
    match &document["Statement"] {
        Value::Array(statements) => statements.iter().map(Statement::parse).collect(),
        statement => Ok(vec![Statement::parse(statement)?]),
    }
}

/// What the statements say of the request.
pub(super) fn evaluate<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
    request: &Request<'_>,
) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    for statement in statements {
        if statement.speaks_of(request) {
            match statement.effect {
                Effect::Deny => return Decision::ExplicitDeny,
                Effect::Allow => decision = Decision::Allow,
            }
        }
    }
    decision
}

impl Statement {
    fn parse(value: &Value) -> Result<Statement, String> {
        let Some(members) = value.as_object() else { return Err("a statement is not an object".to_owned()) };
        const KNOWN: [&str; 8] =
            ["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        if let Some(name) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(format!("the element {name} of a statement is not known"));
        }
        let effect = match value["Effect"].as_str() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(format!("the effect {} is neither Allow nor Deny", value["Effect"])),
        };
        Ok(Statement {
            effect,
            principals: members.get("Principal").map(principals).transpose()?,
            actions: Patterns::parse(value, "Action", "NotAction")?
                .ok_or("a statement has neither Action nor NotAction")?,
            resources: Patterns::parse(value, "Resource", "NotResource")?,
            conditions: members.get("Condition").map_or(Ok(Vec::new()), Condition::parse_all)?,
        })
    }

    fn speaks_of(&self, request: &Request<'_>) -> bool {
        let action = request.action.to_lowercase();
        self.principals.as_ref().is_none_or(|them| them.iter().any(|it| it.includes(request.principal)))
            && self.actions.cover(|pattern| matches(&pattern.to_lowercase(), &action))
            && self
                .resources
                .as_ref()
                .is_none_or(|resources| resources.cover(|pattern| matches_arn(pattern, request.resource)))
            && self.conditions.iter().all(|condition| condition.is_met(request.context))
    }

    pub(super) fn is_allow(&self) -> bool {
        self.effect == Effect::Allow
    }
}

impl Patterns {
    fn parse(statement: &Value, name: &str, inverted: &str) -> Result<Option<Patterns>, String> {
        let (element, is_inverted) = match (statement.get(name), statement.get(inverted)) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(format!("a statement has {name} and {inverted}")),
            (Some(element), None) => (element, false),
            (None, Some(element)) => (element, true),
        };
        let patterns =
            texts(element).ok_or_else(|| format!("{name} is neither a text nor a list of texts"))?;
        match patterns.iter().find(|pattern| pattern.contains("${")) {
            Some(pattern) => Err(format!("the policy variable in {pattern} is not known")),
            None => Ok(Some(Patterns { patterns, inverted: is_inverted })),
        }
    }

    fn cover(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern)) != self.inverted
    }
}

impl Principal {
    /// Whether a statement that names `self` speaks of `other`. A statement that names the account speaks of all in it.
    fn includes(&self, other: &Principal) -> bool {
        match (self, other) {
            (Principal::Anyone, _) => true,
            (Principal::Service(one), Principal::Service(other)) => one == other,
            (Principal::Aws(one), Principal::Aws(other)) => {
                let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
                one == other
                    || one.ends_with(":root") && account(one) == account(other)
                    || Some(one) == account(other).as_ref()
            }
            _ => false,
        }
    }
}

fn principals(element: &Value) -> Result<Vec<Principal>, String> {
    if element == "*" {
        return Ok(vec![Principal::Anyone]);
    }
    let Some(kinds) = element.as_object() else { return Err("Principal is not an object".to_owned()) };
    let mut found = Vec::new();
    for (kind, names) in kinds {
        let names = texts(names).ok_or("a principal is not a text")?;
        found.extend(names.into_iter().map(|name| match (kind.as_str(), name.as_str()) {
            ("AWS", "*") => Ok(Principal::Anyone),
            ("AWS", _) => Ok(Principal::Aws(name)),
            ("Service", _) => Ok(Principal::Service(name)),
            _ => Err(format!("the kind of principal {kind} is not known")),
        }));
    }
    found.into_iter().collect()
}

/// A text, or a list of texts; numbers and truth values are texts too.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        value => text(value).map(|text| vec![text]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decide(statements_: Value, action: &str, resource: &str) -> Decision {
        let document = json!({"Version": "2012-10-17", "Statement": statements_});
        let statements = statements(&document).unwrap();
        let principal = Principal::Aws("arn:aws:iam::123456789012:role/r".to_owned());
        let context = RequestContext::new();
        evaluate(&statements, &Request { principal: &principal, action, resource, context: &context })
    }

    /// From "Policy evaluation logic": by default everything is denied; an Allow overrides that; a Deny overrides any Allow.
    #[test]
    fn a_deny_wins_over_any_allow_and_nothing_is_allowed_by_itself() {
        let allow = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
        let deny = json!({"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::b/*"});
        let object = "arn:aws:s3:::b/x";
        assert_eq!(decide(json!([]), "s3:GetObject", object), Decision::ImplicitDeny);
        assert_eq!(decide(json!([allow]), "s3:DeleteObject", object), Decision::Allow);
        for order in [json!([allow, deny]), json!([deny, allow])] {
            assert_eq!(decide(order.clone(), "s3:DeleteObject", object), Decision::ExplicitDeny);
            assert_eq!(decide(order.clone(), "s3:GetObject", object), Decision::Allow);
            assert_eq!(decide(order, "sqs:SendMessage", object), Decision::ImplicitDeny);
        }
    }

    /// From "IAM JSON policy elements: Action", "NotAction" and "NotResource".
    #[test]
    fn actions_know_no_case_and_inverted_elements_mean_all_others() {
        let keys = json!({"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": "*"});
        assert_eq!(decide(json!([keys]), "IAM:createaccesskey", "*"), Decision::Allow);
        let all_but_iam = json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"});
        assert_eq!(decide(json!([all_but_iam]), "iam:CreateUser", "*"), Decision::ImplicitDeny);
        assert_eq!(decide(json!([all_but_iam]), "s3:GetObject", "arn:aws:s3:::b/x"), Decision::Allow);
        let all_but_a_bucket = json!({"Effect": "Deny", "Action": "s3:*", "NotResource": ["arn:aws:s3:::HRBucket/Payroll", "arn:aws:s3:::HRBucket/Payroll/*"]});
        let allow = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
        let both = json!([allow, all_but_a_bucket]);
        assert_eq!(decide(both.clone(), "s3:GetObject", "arn:aws:s3:::HRBucket/Payroll/1"), Decision::Allow);
        assert_eq!(decide(both, "s3:GetObject", "arn:aws:s3:::other/1"), Decision::ExplicitDeny);
    }

    #[test]
    fn a_phone_number_is_no_topic() {
        let sms = json!({"Effect": "Allow", "Action": "sns:Publish", "NotResource": "arn:aws:sns:*:*:*"});
        assert_eq!(decide(json!([sms]), "sns:Publish", "phone number"), Decision::Allow);
        let topic = "arn:aws:sns:us-east-1:123456789012:t";
        assert_eq!(decide(json!([sms]), "sns:Publish", topic), Decision::ImplicitDeny);
    }

    #[test]
    fn a_resource_policy_speaks_of_those_it_names() {
        let of = |principal: Value| {
            let statement =
                json!({"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt", "Resource": "*"});
            decide(json!([statement]), "kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/k")
        };
        assert_eq!(of(json!("*")), Decision::Allow);
        assert_eq!(of(json!({"AWS": "arn:aws:iam::123456789012:root"})), Decision::Allow);
        assert_eq!(of(json!({"AWS": "123456789012"})), Decision::Allow);
        assert_eq!(of(json!({"AWS": "arn:aws:iam::123456789012:role/other"})), Decision::ImplicitDeny);
        assert_eq!(of(json!({"AWS": "arn:aws:iam::210987654321:root"})), Decision::ImplicitDeny);
        assert_eq!(of(json!({"Service": "lambda.amazonaws.com"})), Decision::ImplicitDeny);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let statement = |change: Value| {
            let mut statement = json!({"Effect": "Allow", "Action": "a:B", "Resource": "*"});
            for (name, value) in change.as_object().unwrap() {
                statement[name] = value.clone();
            }
            statements(&json!({"Version": "2012-10-17", "Statement": statement})).unwrap_err()
        };
        assert!(statement(json!({"NotPrincipal": "*"})).contains("NotPrincipal"));
        assert!(statement(json!({"Effect": "Perhaps"})).contains("Perhaps"));
        assert!(statement(json!({"NotAction": "x:Y"})).contains("NotAction"));
        assert!(statement(json!({"Resource": "arn:aws:s3:::${aws:username}"})).contains("${aws:username}"));
        assert!(statement(json!({"Principal": {"Federated": "x"}})).contains("Federated"));
        assert!(statements(&json!({"Statments": []})).unwrap_err().contains("Statments"));
    }
}
