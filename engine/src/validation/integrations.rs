//! The integrations that AWS has: what a resource ARN asks for, how it can be waited for, what must be given.

use super::models::{self, Operation};
use crate::integration::Pattern;

/// What a resource ARN asks for.
pub(super) enum Resource<'a> {
    Activity,
    /// A Lambda function by its ARN.
    Function,
    /// `service:action`, with the pattern cut off.
    Integration {
        service: &'a str,
        action: &'a str,
        pattern: Pattern,
    },
    /// An ARN of something else.
    Other,
    /// No ARN.
    NoArn,
}

/// An optimized integration: the actions, the patterns beside request and response, and what must be given.
struct Integration {
    service: &'static str,
    actions: &'static [&'static str],
    sync: &'static [&'static str],
    token: &'static [&'static str],
    required: &'static [&'static str],
}

const fn integration(
    service: &'static str,
    actions: &'static [&'static str],
    sync: &'static [&'static str],
    token: &'static [&'static str],
    required: &'static [&'static str],
) -> Integration {
    Integration { service, actions, sync, token, required }
}

/// All optimized integrations. Those with a model take their parameters from it.
static INTEGRATIONS: &[Integration] = &[
    integration("apigateway", &["invoke"], &[], &["invoke"], &["ApiEndpoint", "Method"]),
    integration(
        "athena",
        &["startQueryExecution", "stopQueryExecution", "getQueryExecution", "getQueryResults"],
        &["startQueryExecution"],
        &[],
        &[],
    ),
    integration("aps", &["queryMetrics"], &[], &[], &[]),
    integration("batch", &["submitJob"], &["submitJob"], &[], &["JobDefinition", "JobName", "JobQueue"]),
    integration(
        "bedrock",
        &["invokeModel", "createModelCustomizationJob"],
        &["createModelCustomizationJob"],
        &["invokeModel"],
        &[],
    ),
    integration("bedrock-agentcore", &["invokeHarness", "invokeAgentRuntime"], &[], &[], &[]),
    integration(
        "codebuild",
        &[
            "startBuild",
            "stopBuild",
            "batchDeleteBuilds",
            "batchGetReports",
            "startBuildBatch",
            "stopBuildBatch",
            "retryBuildBatch",
            "deleteBuildBatch",
        ],
        &["startBuild", "startBuildBatch", "retryBuildBatch"],
        &[],
        &[],
    ),
    integration("databrew", &["startJobRun"], &["startJobRun"], &[], &["Name"]),
    integration("dynamodb", &["getItem", "putItem", "updateItem", "deleteItem"], &[], &[], &[]),
    integration("ecs", &["runTask"], &["runTask"], &["runTask"], &["TaskDefinition"]),
    integration(
        "eks",
        &[
            "createCluster",
            "deleteCluster",
            "createNodegroup",
            "deleteNodegroup",
            "createFargateProfile",
            "deleteFargateProfile",
            "runJob",
            "call",
        ],
        &[
            "createCluster",
            "deleteCluster",
            "createNodegroup",
            "deleteNodegroup",
            "createFargateProfile",
            "deleteFargateProfile",
            "runJob",
        ],
        &["runJob"],
        &[],
    ),
    integration(
        "elasticmapreduce",
        &[
            "createCluster",
            "terminateCluster",
            "addStep",
            "cancelStep",
            "setClusterTerminationProtection",
            "modifyInstanceFleetByName",
            "modifyInstanceGroupByName",
        ],
        &["createCluster", "terminateCluster", "addStep"],
        &[],
        &[],
    ),
    integration(
        "emr-containers",
        &["createVirtualCluster", "deleteVirtualCluster", "startJobRun"],
        &["deleteVirtualCluster", "startJobRun"],
        &[],
        &[],
    ),
    integration(
        "emr-serverless",
        &[
            "createApplication",
            "startApplication",
            "stopApplication",
            "deleteApplication",
            "startJobRun",
            "cancelJobRun",
        ],
        &["startApplication", "stopApplication", "deleteApplication", "startJobRun", "cancelJobRun"],
        &[],
        &[],
    ),
    integration("events", &["putEvents"], &[], &["putEvents"], &[]),
    integration("glue", &["startJobRun"], &["startJobRun"], &[], &["JobName"]),
    integration("http", &["invoke"], &[], &[], &["ApiEndpoint", "Method"]),
    integration("lambda", &["invoke"], &[], &["invoke"], &[]),
    integration("mediaconvert", &["createJob"], &["createJob"], &[], &[]),
    integration(
        "sagemaker",
        &[
            "createEndpoint",
            "createEndpointConfig",
            "createHyperParameterTuningJob",
            "createLabelingJob",
            "createModel",
            "createProcessingJob",
            "createTrainingJob",
            "createTransformJob",
            "updateEndpoint",
        ],
        &[
            "createHyperParameterTuningJob",
            "createLabelingJob",
            "createProcessingJob",
            "createTrainingJob",
            "createTransformJob",
        ],
        &[],
        &[],
    ),
    integration("sns", &["publish"], &[], &["publish"], &[]),
    integration("sqs", &["sendMessage"], &[], &["sendMessage"], &[]),
    integration("states", &["startExecution"], &["startExecution"], &["startExecution"], &[]),
];

pub(super) fn parse(resource: &str) -> Resource<'_> {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let [arn, _partition, service, region, account, rest] = parts[..] else { return Resource::NoArn };
    if arn != "arn" {
        return Resource::NoArn;
    }
    match service {
        "lambda" if rest.starts_with("function:") && rest.len() > "function:".len() => Resource::Function,
        "states" if rest.starts_with("activity:") && !region.is_empty() => Resource::Activity,
        // An integration belongs to no region and no account.
        "states" if region.is_empty() && account.is_empty() => {
            let split = rest.rsplit_once(':').filter(|(_, action)| *action != "2");
            // `states:startExecution.sync:2` has a colon of its own.
            let split = split.or_else(|| {
                let (head, version) = rest.rsplit_once(':')?;
                let at = head.rfind(':')?;
                Some((&head[..at], &rest[at + 1..])).filter(|_| version == "2")
            });
            match split {
                Some((service, action)) => {
                    let (action, pattern) = Pattern::split(action);
                    Resource::Integration { service, action, pattern }
                }
                None => Resource::Other,
            }
        }
        _ => Resource::Other,
    }
}

/// Whether AWS has it.
pub(super) fn is_known(service: &str, action: &str, pattern: Pattern) -> bool {
    if let Some(sdk_service) = service.strip_prefix("aws-sdk:") {
        let spelled = action.starts_with(|c: char| c.is_ascii_lowercase())
            && action.chars().all(|c| c.is_ascii_alphanumeric());
        let there = models::model(sdk_service).is_none_or(|model| model.operation(action).is_some());
        let waits = matches!(pattern, Pattern::Request | Pattern::Callback);
        return models::has_service(sdk_service) && spelled && there && waits;
    }
    let Some(integration) = INTEGRATIONS.iter().find(|integration| integration.service == service) else {
        return false;
    };
    let among = match pattern {
        Pattern::Request => integration.actions,
        Pattern::Sync => integration.sync,
        Pattern::Sync2 if service == "states" => integration.sync,
        Pattern::Sync2 => &[],
        Pattern::Callback => integration.token,
    };
    among.contains(&action)
}

/// The parameters that a request must have.
pub(super) fn required(service: &str, operation: Option<Operation<'static>>) -> Vec<&'static str> {
    match operation {
        Some(operation) => operation.required_parameters(),
        None => {
            let known = INTEGRATIONS.iter().find(|integration| integration.service == service);
            known.map(|integration| integration.required.to_vec()).unwrap_or_default()
        }
    }
}
