//! [`Endpoints`]: where the calls of each service are sent.

use std::collections::BTreeMap;

use http::Uri;

use super::model::Model;

/// Where calls of services go: by the name of the service, and all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    services: BTreeMap<String, Target>,
    others: Option<Target>,
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// AWS itself, in the user's region.
    Aws,
    /// Without a slash at its end.
    Url(String),
}

/// An endpoint that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no endpoint: write SERVICE=URL, SERVICE=aws or '*=URL', with the service as in aws-sdk:SERVICE:action"
)]
pub struct EndpointError(String);

/// Variables of Step Functions Local, and the services that they are about.
const OLD_VARIABLES: &[(&str, &str)] = &[
    ("ATHENA_ENDPOINT", "athena"),
    ("BATCH_ENDPOINT", "batch"),
    ("DYNAMODB_ENDPOINT", "dynamodb"),
    ("ECS_ENDPOINT", "ecs"),
    ("EKS_ENDPOINT", "eks"),
    ("EVENTS_ENDPOINT", "eventbridge"),
    ("GLUE_ENDPOINT", "glue"),
    ("SAGE_MAKER_ENDPOINT", "sagemaker"),
    ("SNS_ENDPOINT", "sns"),
    ("SQS_ENDPOINT", "sqs"),
];

/// Services whose variable of the SDKs usually names the stack itself.
const SERVED_HERE: [&str; 7] = ["dynamodb", "eventbridge", "lambda", "s3", "scheduler", "sfn", "sns"];

impl Endpoints {
    /// Adds what an option says: `rekognition=https://…`, `s3=aws`, `*=http://127.0.0.1:5000`.
    ///
    /// # Errors
    /// If it is not of this form, or names a service that AWS does not have.
    pub fn add(&mut self, option: &str) -> Result<(), EndpointError> {
        let refused = || EndpointError(option.to_owned());
        let (service, address) = option.split_once('=').ok_or_else(refused)?;
        let target = Target::parse(address).ok_or_else(refused)?;
        if service == "*" {
            self.others = Some(target);
            return Ok(());
        }
        let name = super::model_name(&service.to_ascii_lowercase(), "");
        if Model::of(&name).is_none() {
            return Err(refused());
        }
        self.services.insert(name, target);
        Ok(())
    }

    /// Adds what the environment says, unless an option has said something else: `AWS_ENDPOINT_URL_<SERVICE>` of services
    /// that are not served here, and the variables of Step Functions Local.
    pub fn add_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            let old =
                OLD_VARIABLES.iter().find(|(variable, _)| *variable == name).map(|(_, service)| *service);
            let of_sdk =
                name.strip_prefix("AWS_ENDPOINT_URL_").map(|id| id.replace('_', "").to_ascii_lowercase());
            let of_sdk = of_sdk.filter(|service| !SERVED_HERE.contains(&service.as_str()));
            let Some(service) = old.map(str::to_owned).or(of_sdk) else { continue };
            match Target::parse(&value) {
                Some(target) if Model::of(&service).is_some() => {
                    self.services.entry(service).or_insert(target);
                }
                _ => tracing::warn!(name, "the variable names no endpoint of a service and is passed over"),
            }
        }
    }

    /// Whether this very service was named.
    pub(super) fn names(&self, service: &str) -> bool {
        self.services.contains_key(service)
    }

    pub(super) fn target(&self, service: &str) -> Option<&Target> {
        self.services.get(service).or(self.others.as_ref())
    }
}

impl Target {
    fn parse(address: &str) -> Option<Target> {
        if address == "aws" {
            return Some(Target::Aws);
        }
        let uri: Uri = address.parse().ok()?;
        let is_usual = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        (is_usual && uri.query().is_none()).then(|| Target::Url(address.trim_end_matches('/').to_owned()))
    }

    /// The address of a service.
    pub(super) fn url(&self, model: &Model, region: &str) -> String {
        match (self, &model.global_host) {
            (Target::Url(url), _) => url.clone(),
            (Target::Aws, Some(host)) => format!("https://{host}"),
            (Target::Aws, None) => {
                let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
                format!("https://{}.{region}.amazonaws.com{suffix}", model.host)
            }
        }
    }

    /// Whether it is a loopback address: an emulator.
    pub(super) fn is_on_this_machine(&self) -> bool {
        let Target::Url(url) = self else { return false };
        let host = url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        host.is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_come_before_the_environment_and_services_before_all_others() {
        let mut endpoints = Endpoints::default();
        for option in ["rekognition=https://r.example.com/", "events=aws", "*=http://127.0.0.1:5000"] {
            endpoints.add(option).unwrap();
        }
        let variables = [
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets:1"),
            ("AWS_ENDPOINT_URL_REKOGNITION", "http://other:1"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:4566"),
            ("SQS_ENDPOINT", "http://queues:2"),
            ("HOME", "/root"),
        ];
        endpoints
            .add_environment(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let url =
            |service: &str| endpoints.target(service).unwrap().url(&Model::of(service).unwrap(), "eu-west-1");
        assert_eq!(url("rekognition"), "https://r.example.com");
        assert_eq!(url("eventbridge"), "https://events.eu-west-1.amazonaws.com");
        assert_eq!(url("secretsmanager"), "http://secrets:1");
        assert_eq!(url("sqs"), "http://queues:2");
        assert_eq!(url("glue"), "http://127.0.0.1:5000");
        assert!(endpoints.names("sqs") && !endpoints.names("dynamodb"));
        assert!(endpoints.target("glue").unwrap().is_on_this_machine());
    }

    #[test]
    fn an_endpoint_of_nothing_is_refused() {
        for option in ["", "glue", "glue=", "glue=ftp://x", "nothing=http://x", "glue=http://x?y=1"] {
            assert!(Endpoints::default().add(option).is_err(), "{option}");
        }
    }
}
