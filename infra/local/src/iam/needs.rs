//! What must be allowed: calls, what services do on the caller's behalf for them, and what services do by themselves.

use std::collections::BTreeSet;

use super::condition::RequestContext;
use super::deployment::{Deployment, Function};
use super::policy::{Decision, Principal, Request, Statement, evaluate};
use crate::aws::Permission;
use crate::config::{ACCOUNT, EMAIL_SENDER, REGION};
use crate::definitions::LOTTERY;

/// One thing that must be allowed.
#[derive(Clone, Debug)]
pub(super) struct Need {
    principal: Principal,
    pub(super) action: String,
    pub(super) resource: String,
    context: RequestContext,
}

/// What Step Functions asks for to deliver the log of a state machine
/// (<https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html>).
const LOG_DELIVERY: [&str; 8] = [
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
];

/// What it asks for to trace one (<https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html>), and Lambda for the
/// first two.
const TRACING: [&str; 4] =
    ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"];

/// What CloudWatch Logs does with the key of a log group
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>).
const LOG_ENCRYPTION: [&str; 6] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
];

impl Need {
    fn new(principal: &Principal, action: &str, resource: &str) -> Need {
        Need {
            principal: principal.clone(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: context(&[("aws:sourceaccount", ACCOUNT)]),
        }
    }

    fn with(mut self, key: &str, value: &str) -> Need {
        self.context.insert(key.to_lowercase(), vec![value.to_owned()]);
        self
    }

    /// Who asks, as error messages of AWS name it.
    pub(super) fn user(&self) -> String {
        match &self.principal {
            Principal::Anyone => "anyone".to_owned(),
            Principal::Service(name) => name.clone(),
            Principal::Aws(arn) => arn.clone(),
        }
    }
}

fn context(members: &[(&str, &str)]) -> RequestContext {
    members.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect()
}

impl Deployment {
    /// The ARN of the caller's role, if it has one here: a function, a state machine, or a service that is handed one.
    pub(super) fn role_of(&self, caller: &str) -> Option<&str> {
        let machine = self.state_machines.get(caller).map(|it| it.role.as_str());
        let function = || self.functions.get(caller).map(|it| it.role.as_str());
        machine.or_else(function).or_else(|| self.passed_roles.get(caller).map(String::as_str))
    }

    /// What a call needs, with what the service does on the caller's behalf; nothing for who has no role here.
    pub(super) fn of_call(&self, caller: &str, action: &str, resource: &str) -> Vec<Need> {
        let Some(role) = self.role_of(caller) else { return Vec::new() };
        let principal = Principal::Aws(role.to_owned());
        let resource = self.as_deployed(caller, action, resource);
        let mut need = Need::new(&principal, action, &resource);
        if action == "ses:SendEmail" {
            // The one sender that the local stack's functions have.
            need = need.with("ses:FromAddress", EMAIL_SENDER);
        }
        if action == "iam:PassRole" {
            let passed = self.passed_roles.iter().find(|(_, role)| **role == resource);
            need = need.with("iam:PassedToService", passed.map_or("", |(service, _)| service));
        }
        let mut needs = vec![need];
        if let Some(key) = self.keys.get(&resource) {
            let (service, _) = action.split_once(':').unwrap_or((action, ""));
            let actions: &[&str] = match (service, action) {
                // DynamoDB makes its data keys by a grant.
                ("dynamodb" | "secretsmanager", _) => &["kms:Decrypt"],
                (_, "sns:Publish" | "sqs:SendMessage") => &["kms:Decrypt", "kms:GenerateDataKey"],
                _ => &[],
            };
            let via = format!("{service}.{REGION}.amazonaws.com");
            needs
                .extend(actions.iter().map(|it| Need::new(&principal, it, key).with("kms:ViaService", &via)));
        }
        needs
    }

    /// The ARN that the same call has on AWS, where functions and state machines may be called by an alias.
    fn as_deployed(&self, caller: &str, action: &str, resource: &str) -> String {
        let deployed = match action {
            "lambda:InvokeFunction" => {
                let name = resource.split_once(":function:").map_or(resource, |(_, name)| name);
                self.state_machines.get(caller).and_then(|it| it.functions.get(name))
            }
            "states:StartExecution" if resource == LOTTERY.arn() => {
                self.functions.get(caller).and_then(|it| it.environment.get("STATE_MACHINE_ARN"))
            }
            _ => None,
        };
        deployed.map_or(resource, String::as_str).to_owned()
    }

    /// What services do by themselves: for the deployment to work at all.
    pub(super) fn standing(&self) -> Vec<Need> {
        let service = |name: &str| Principal::Service(format!("{name}.amazonaws.com"));
        let mut needs = Vec::new();
        for (name, function) in &self.functions {
            needs.push(
                Need::new(&service("lambda"), "sts:AssumeRole", &function.role)
                    .with("aws:SourceArn", &function.arn),
            );
            needs.extend(self.log_of(function));
            let principal = Principal::Aws(function.role.clone());
            if function.is_traced {
                needs.extend(TRACING[..2].iter().map(|action| Need::new(&principal, action, "*")));
            }
            if let Some(secret) = function.environment.get("ORGANISER_SECRET_ARN") {
                needs.extend(self.of_call(name, "secretsmanager:GetSecretValue", secret));
            }
            for target in &function.dead_letters {
                let action = if target.contains(":sqs:") { "sqs:SendMessage" } else { "sns:Publish" };
                needs.extend(self.of_call(name, action, target));
            }
        }
        for machine in self.state_machines.values() {
            let principal = Principal::Aws(machine.role.clone());
            needs.push(
                Need::new(&service("states"), "sts:AssumeRole", &machine.role)
                    .with("aws:SourceArn", &machine.arn),
            );
            let logged = LOG_DELIVERY.iter().filter(|_| machine.is_logged);
            let traced = TRACING.iter().filter(|_| machine.is_traced);
            needs.extend(logged.chain(traced).map(|action| Need::new(&principal, action, "*")));
        }
        for (service, role) in &self.passed_roles {
            needs.push(Need::new(&Principal::Service(service.clone()), "sts:AssumeRole", role));
        }
        for call in &self.service_calls {
            let need = Need::new(&call.principal, call.action, &call.resource);
            needs.push(need.with("aws:SourceArn", &call.source));
            // Topics and queues with a key.
            if let (Some(key), "sns:Publish" | "sqs:SendMessage") =
                (self.keys.get(&call.resource), call.action)
            {
                let (service, _) = call.action.split_once(':').unwrap_or_default();
                let via = format!("{service}.{REGION}.amazonaws.com");
                needs.extend(["kms:Decrypt", "kms:GenerateDataKey"].iter().map(|action| {
                    let need = Need::new(&call.principal, action, key).with("kms:ViaService", &via);
                    need.with("aws:SourceArn", &call.source)
                }));
            }
        }
        for group in &self.log_groups {
            let Some(key) = self.keys.get(group) else { continue };
            let logs = Principal::Service(format!("logs.{REGION}.amazonaws.com"));
            needs.extend(LOG_ENCRYPTION.iter().map(|action| {
                Need::new(&logs, action, key).with("kms:EncryptionContext:aws:logs:arn", group)
            }));
        }
        needs
    }

    /// What Lambda needs to write a function's log with the function's role.
    fn log_of(&self, function: &Function) -> [Need; 2] {
        let principal = Principal::Aws(function.role.clone());
        let stream = format!("{}:log-stream:2026/11/28/[1]0123456789abcdef", function.log_group);
        ["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| Need::new(&principal, action, &stream))
    }

    /// Whether a function's log is written; Lambda drops what it may not write and says nothing.
    pub(super) fn has_log(&self, function: &str) -> bool {
        let function = self.functions.get(function);
        function.is_some_and(|function| self.log_of(function).iter().all(|need| self.allows(need)))
    }

    /// Whether the services may call that function at all.
    pub(super) fn service_may_invoke(&self, function: &str) -> bool {
        let Some(function) = self.functions.get(function) else { return true };
        let mut calls = self.service_calls.iter().filter(|call| {
            call.action == "lambda:InvokeFunction" && is_function(&call.resource, &function.arn)
        });
        calls.all(|call| {
            let need = Need::new(&call.principal, call.action, &call.resource);
            self.allows(&need.with("aws:SourceArn", &call.source))
        })
    }

    /// Whether policies allow it.
    pub(super) fn allows(&self, need: &Need) -> bool {
        let request = Request {
            principal: &need.principal,
            action: &need.action,
            resource: &need.resource,
            context: &need.context,
        };
        let of_resource = self.resource_policies.get(&need.resource);
        let of_resource = of_resource.map(|them| evaluate(them, &request));
        let Principal::Aws(role) = &need.principal else {
            return of_resource == Some(Decision::Allow);
        };
        let none: Vec<Statement> = Vec::new();
        let of_role = evaluate(self.roles.get(role).unwrap_or(&none), &request);
        match (of_role, of_resource) {
            (Decision::ExplicitDeny, _) | (_, Some(Decision::ExplicitDeny)) => false,
            // A key is used only as its own policy says: here it hands the decision to the account.
            (of_role, of_resource) if need.action.starts_with("kms:") => {
                of_role == Decision::Allow && of_resource.is_none_or(|it| it == Decision::Allow)
            }
            (of_role, of_resource) => of_role == Decision::Allow || of_resource == Some(Decision::Allow),
        }
    }

    /// The needs of the standing kind by who has them, as recorded calls are written.
    pub(super) fn standing_permissions(&self) -> BTreeSet<Permission> {
        let callers = self.functions.iter().map(|(name, it)| (it.role.as_str(), name.as_str()));
        let machines = self.state_machines.iter().map(|(name, it)| (it.role.as_str(), name.as_str()));
        let callers: Vec<(&str, &str)> = callers.chain(machines).collect();
        let permission = |need: &Need| {
            let Principal::Aws(role) = &need.principal else { return None };
            let (_, caller) = callers.iter().find(|(known, _)| known == role)?;
            Some(Permission {
                caller: (*caller).to_owned(),
                action: need.action.clone(),
                resource: need.resource.clone(),
            })
        };
        self.standing().iter().filter_map(permission).collect()
    }
}

fn is_function(called: &str, arn: &str) -> bool {
    called == arn || called.strip_prefix(arn).is_some_and(|rest| rest.starts_with(':'))
}
