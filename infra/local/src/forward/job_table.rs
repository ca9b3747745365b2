//! The jobs of `.sync` integrations: how each is described, how it ends, and how it is stopped.
//!
//! Outputs of AWS are on record for `ecs:runTask` and `batch:submitJob`; those of the others follow its documentation.

/// How a job is waited for.
#[derive(Debug)]
pub(super) struct JobKind {
    pub(super) service: &'static str,
    pub(super) action: &'static str,
    /// The request that describes it.
    pub(super) describe: Request,
    /// Where the description has its status.
    pub(super) status: &'static str,
    /// The statuses of success.
    pub(super) succeeded: &'static [&'static str],
    /// The statuses of failure.
    pub(super) failed: &'static [&'static str],
    /// What of the description is the task's result.
    pub(super) result: Outcome,
    /// What else decides.
    pub(super) rule: Rule,
    /// The request that stops it.
    pub(super) stop: Option<Request>,
}

/// A call of the job's service.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) action: &'static str,
    pub(super) parameters: &'static [(&'static str, Source)],
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The parameters of the task, by a JSON Pointer.
    Task(&'static str),
    /// What the submission returned.
    Submitted(&'static str),
    /// The same, as the one item of a list.
    Only(&'static str),
    /// A text for people: why the job is stopped.
    Reason,
}

/// The result of a task, out of the description.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// All of it.
    Whole,
    /// The value at a JSON Pointer.
    At(&'static str),
    /// The same, as the member of this name.
    Named(&'static str, &'static str),
    /// All of it, and these members of what the submission returned.
    And(&'static [&'static str]),
    /// The same as [`Outcome::At`], with members of the task's parameters.
    With(&'static str, &'static [&'static str]),
}

/// What beside the status says that a job has ended, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing.
    Status,
    /// It has succeeded once there is nothing to describe any more.
    Gone,
    /// A container that returned something else than zero, or that never started, is a failure.
    Containers,
}

use Outcome::{And, At, Named, Whole, With};
use Source::{Only, Reason, Submitted, Task};

const fn request(action: &'static str, parameters: &'static [(&'static str, Source)]) -> Request {
    Request { action, parameters }
}

/// A job with the usual rule.
const fn job(
    (service, action): (&'static str, &'static str),
    describe: Request,
    status: &'static str,
    succeeded: &'static [&'static str],
    failed: &'static [&'static str],
    result: Outcome,
    stop: Option<Request>,
) -> JobKind {
    JobKind { service, action, describe, status, succeeded, failed, result, rule: Rule::Status, stop }
}

impl JobKind {
    const fn by(self, rule: Rule) -> JobKind {
        JobKind { rule, ..self }
    }
}

/// The kind of job that an integration waits for.
pub(super) fn kind(service: &str, action: &str) -> Option<&'static JobKind> {
    JOBS.iter().find(|job| job.service == service && job.action == action)
}

const ENDED: &[&str] = &["Completed"];
const NOT_ENDED_WELL: &[&str] = &["Failed", "Stopped"];

/// Every `.sync` integration of one request; those of Step Functions itself are the engine's.
pub(super) static JOBS: &[JobKind] = &[
    job(
        ("athena", "startQueryExecution"),
        request("getQueryExecution", &[("QueryExecutionId", Submitted("/QueryExecutionId"))]),
        "/QueryExecution/Status/State",
        &["SUCCEEDED"],
        &["FAILED", "CANCELLED"],
        Whole,
        Some(request("stopQueryExecution", &[("QueryExecutionId", Submitted("/QueryExecutionId"))])),
    ),
    job(
        ("batch", "submitJob"),
        request("describeJobs", &[("Jobs", Only("/JobId"))]),
        "/Jobs/0/Status",
        &["SUCCEEDED"],
        &["FAILED"],
        At("/Jobs/0"),
        Some(request("terminateJob", &[("JobId", Submitted("/JobId")), ("Reason", Reason)])),
    ),
    job(
        ("bedrock", "createModelCustomizationJob"),
        request("getModelCustomizationJob", &[("JobIdentifier", Submitted("/JobArn"))]),
        "/Status",
        ENDED,
        NOT_ENDED_WELL,
        Whole,
        Some(request("stopModelCustomizationJob", &[("JobIdentifier", Submitted("/JobArn"))])),
    ),
    job(
        ("codebuild", "startBuild"),
        request("batchGetBuilds", &[("Ids", Only("/Build/Id"))]),
        "/Builds/0/BuildStatus",
        &["SUCCEEDED"],
        &["FAILED", "FAULT", "TIMED_OUT", "STOPPED"],
        Named("Build", "/Builds/0"),
        Some(request("stopBuild", &[("Id", Submitted("/Build/Id"))])),
    ),
    build_batch("startBuildBatch"),
    build_batch("retryBuildBatch"),
    job(
        ("databrew", "startJobRun"),
        request("describeJobRun", &[("Name", Task("/Name")), ("RunId", Submitted("/RunId"))]),
        "/State",
        &["SUCCEEDED"],
        &["FAILED", "STOPPED", "TIMEOUT"],
        Whole,
        Some(request("stopJobRun", &[("Name", Task("/Name")), ("RunId", Submitted("/RunId"))])),
    ),
    job(
        ("ecs", "runTask"),
        request(
            "describeTasks",
            &[("Cluster", Submitted("/Tasks/0/ClusterArn")), ("Tasks", Only("/Tasks/0/TaskArn"))],
        ),
        "/Tasks/0/LastStatus",
        &["STOPPED"],
        &[],
        At("/Tasks/0"),
        Some(request(
            "stopTask",
            &[
                ("Cluster", Submitted("/Tasks/0/ClusterArn")),
                ("Task", Submitted("/Tasks/0/TaskArn")),
                ("Reason", Reason),
            ],
        )),
    )
    .by(Rule::Containers),
    made_in_eks(
        "createCluster",
        "describeCluster",
        &[("Name", Task("/Name"))],
        "/Cluster/Status",
        &["FAILED"],
    ),
    made_in_eks("createNodegroup", "describeNodegroup", NODEGROUP, "/Nodegroup/Status", &["CREATE_FAILED"]),
    made_in_eks(
        "createFargateProfile",
        "describeFargateProfile",
        PROFILE,
        "/FargateProfile/Status",
        &["CREATE_FAILED"],
    ),
    made_in_eks(
        "deleteCluster",
        "describeCluster",
        &[("Name", Task("/Name"))],
        "/Cluster/Status",
        &["FAILED"],
    )
    .by(Rule::Gone),
    made_in_eks("deleteNodegroup", "describeNodegroup", NODEGROUP, "/Nodegroup/Status", &["DELETE_FAILED"])
        .by(Rule::Gone),
    made_in_eks(
        "deleteFargateProfile",
        "describeFargateProfile",
        PROFILE,
        "/FargateProfile/Status",
        &["DELETE_FAILED"],
    )
    .by(Rule::Gone),
    job(
        ("elasticmapreduce", "createCluster"),
        request("describeCluster", &[("ClusterId", Submitted("/ClusterId"))]),
        "/Cluster/Status/State",
        &["WAITING"],
        &["TERMINATED", "TERMINATED_WITH_ERRORS"],
        And(&["ClusterId"]),
        Some(request("terminateCluster", &[("ClusterId", Submitted("/ClusterId"))])),
    ),
    job(
        ("elasticmapreduce", "terminateCluster"),
        request("describeCluster", &[("ClusterId", Task("/ClusterId"))]),
        "/Cluster/Status/State",
        &["TERMINATED"],
        &["TERMINATED_WITH_ERRORS"],
        Whole,
        None,
    ),
    job(
        ("elasticmapreduce", "addStep"),
        request("describeStep", EMR_STEP),
        "/Step/Status/State",
        &["COMPLETED"],
        &["CANCELLED", "FAILED", "INTERRUPTED"],
        Whole,
        Some(request("cancelStep", EMR_STEP)),
    ),
    job(
        ("emr-containers", "startJobRun"),
        request("describeJobRun", EMR_CONTAINERS),
        "/JobRun/State",
        &["COMPLETED"],
        &["FAILED", "CANCELLED"],
        Whole,
        Some(request("cancelJobRun", EMR_CONTAINERS)),
    ),
    job(
        ("emr-containers", "deleteVirtualCluster"),
        request("describeVirtualCluster", &[("Id", Task("/Id"))]),
        "/VirtualCluster/State",
        &["TERMINATED"],
        &["ARRESTED"],
        Whole,
        None,
    ),
    job(
        ("emr-serverless", "startJobRun"),
        request("getJobRun", EMR_SERVERLESS),
        "/JobRun/State",
        &["SUCCESS"],
        &["FAILED", "CANCELLED"],
        Whole,
        Some(request("cancelJobRun", EMR_SERVERLESS)),
    ),
    job(
        ("emr-serverless", "cancelJobRun"),
        request("getJobRun", EMR_SERVERLESS),
        "/JobRun/State",
        &["CANCELLED"],
        &["FAILED", "SUCCESS"],
        Whole,
        None,
    ),
    application("startApplication", &["STARTED"], &["STOPPED", "TERMINATED"]),
    application("stopApplication", &["STOPPED"], &["TERMINATED"]),
    application("deleteApplication", &["TERMINATED"], &[]).by(Rule::Gone),
    job(
        ("glue", "startJobRun"),
        request("getJobRun", &[("JobName", Task("/JobName")), ("RunId", Submitted("/JobRunId"))]),
        "/JobRun/JobRunState",
        &["SUCCEEDED"],
        &["FAILED", "TIMEOUT", "ERROR", "STOPPED", "EXPIRED"],
        With("/JobRun", &["JobName"]),
        Some(request("batchStopJobRun", &[("JobName", Task("/JobName")), ("JobRunIds", Only("/JobRunId"))])),
    ),
    job(
        ("mediaconvert", "createJob"),
        request("getJob", &[("Id", Submitted("/Job/Id"))]),
        "/Job/Status",
        &["COMPLETE"],
        &["ERROR", "CANCELED"],
        Whole,
        Some(request("cancelJob", &[("Id", Submitted("/Job/Id"))])),
    ),
    sagemaker(
        "createTrainingJob",
        request("describeTrainingJob", &[("TrainingJobName", Task("/TrainingJobName"))]),
        "/TrainingJobStatus",
        request("stopTrainingJob", &[("TrainingJobName", Task("/TrainingJobName"))]),
    ),
    sagemaker(
        "createTransformJob",
        request("describeTransformJob", &[("TransformJobName", Task("/TransformJobName"))]),
        "/TransformJobStatus",
        request("stopTransformJob", &[("TransformJobName", Task("/TransformJobName"))]),
    ),
    sagemaker(
        "createProcessingJob",
        request("describeProcessingJob", &[("ProcessingJobName", Task("/ProcessingJobName"))]),
        "/ProcessingJobStatus",
        request("stopProcessingJob", &[("ProcessingJobName", Task("/ProcessingJobName"))]),
    ),
    sagemaker(
        "createHyperParameterTuningJob",
        request("describeHyperParameterTuningJob", TUNING),
        "/HyperParameterTuningJobStatus",
        request("stopHyperParameterTuningJob", TUNING),
    ),
    sagemaker(
        "createLabelingJob",
        request("describeLabelingJob", &[("LabelingJobName", Task("/LabelingJobName"))]),
        "/LabelingJobStatus",
        request("stopLabelingJob", &[("LabelingJobName", Task("/LabelingJobName"))]),
    ),
];

const NODEGROUP: &[(&str, Source)] =
    &[("ClusterName", Task("/ClusterName")), ("NodegroupName", Task("/NodegroupName"))];
const PROFILE: &[(&str, Source)] =
    &[("ClusterName", Task("/ClusterName")), ("FargateProfileName", Task("/FargateProfileName"))];
const EMR_STEP: &[(&str, Source)] = &[("ClusterId", Task("/ClusterId")), ("StepId", Submitted("/StepId"))];
const EMR_CONTAINERS: &[(&str, Source)] =
    &[("Id", Submitted("/Id")), ("VirtualClusterId", Submitted("/VirtualClusterId"))];
const EMR_SERVERLESS: &[(&str, Source)] =
    &[("ApplicationId", Submitted("/ApplicationId")), ("JobRunId", Submitted("/JobRunId"))];
const TUNING: &[(&str, Source)] = &[("HyperParameterTuningJobName", Task("/HyperParameterTuningJobName"))];

const fn build_batch(action: &'static str) -> JobKind {
    job(
        ("codebuild", action),
        request("batchGetBuildBatches", &[("Ids", Only("/BuildBatch/Id"))]),
        "/BuildBatches/0/BuildBatchStatus",
        &["SUCCEEDED"],
        &["FAILED", "FAULT", "TIMED_OUT", "STOPPED"],
        Named("BuildBatch", "/BuildBatches/0"),
        Some(request("stopBuildBatch", &[("Id", Submitted("/BuildBatch/Id"))])),
    )
}

const fn made_in_eks(
    action: &'static str,
    describe: &'static str,
    parameters: &'static [(&'static str, Source)],
    status: &'static str,
    failed: &'static [&'static str],
) -> JobKind {
    job(("eks", action), request(describe, parameters), status, &["ACTIVE"], failed, Whole, None)
}

const fn application(
    action: &'static str,
    succeeded: &'static [&'static str],
    failed: &'static [&'static str],
) -> JobKind {
    job(
        ("emr-serverless", action),
        request("getApplication", &[("ApplicationId", Task("/ApplicationId"))]),
        "/Application/State",
        succeeded,
        failed,
        Whole,
        None,
    )
}

const fn sagemaker(action: &'static str, describe: Request, status: &'static str, stop: Request) -> JobKind {
    job(("sagemaker", action), describe, status, ENDED, NOT_ENDED_WELL, Whole, Some(stop))
}
