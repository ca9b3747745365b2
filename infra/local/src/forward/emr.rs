//! The `elasticmapreduce` integrations: operations of EMR in another shape, one step or cluster at a time.

use serde_json::{Map, Value, json};

/// The name of the service in ARNs of integrations.
pub(super) const SERVICE: &str = "elasticmapreduce";

/// The operation of EMR behind an action, if it is a single one.
pub(super) fn operation(action: &str) -> Option<&'static str> {
    Some(match action {
        "createCluster" => "runJobFlow",
        "terminateCluster" => "terminateJobFlows",
        "setClusterTerminationProtection" => "setTerminationProtection",
        "addStep" => "addJobFlowSteps",
        "cancelStep" => "cancelSteps",
        // What describes the jobs.
        "describeCluster" => "describeCluster",
        "describeStep" => "describeStep",
        _ => return None,
    })
}

/// The parameters of that operation.
pub(super) fn parameters(action: &str, mut given: Value) -> Value {
    let renamed: &[(&str, &str, bool)] = match action {
        "terminateCluster" | "setClusterTerminationProtection" => &[("ClusterId", "JobFlowIds", true)],
        "addStep" => &[("ClusterId", "JobFlowId", false), ("Step", "Steps", true)],
        "cancelStep" => &[("StepId", "StepIds", true)],
        _ => &[],
    };
    if let Some(members) = given.as_object_mut() {
        for (from, to, is_list) in renamed {
            if let Some(value) = members.remove(*from) {
                members.insert((*to).to_owned(), if *is_list { json!([value]) } else { value });
            }
        }
    }
    given
}

/// The result of the action, out of that of the operation.
pub(super) fn result(action: &str, mut answer: Value) -> Value {
    let (from, to, is_list) = match action {
        "createCluster" => ("JobFlowId", "ClusterId", false),
        "addStep" => ("StepIds", "StepId", true),
        "cancelStep" => ("CancelStepsInfoList", "CancelStepsInfo", true),
        _ => return answer,
    };
    if let Some(value) =
        answer.as_object_mut().and_then(|members: &mut Map<String, Value>| members.remove(from))
    {
        answer[to] = if is_list { value.get(0).cloned().unwrap_or_default() } else { value };
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::super::model::Model;
    use super::*;

    #[test]
    fn actions_are_operations_of_emr_in_another_shape() {
        let emr = Model::of("emr").unwrap();
        for action in
            ["createCluster", "terminateCluster", "setClusterTerminationProtection", "addStep", "cancelStep"]
        {
            assert!(emr.operation(operation(action).unwrap()).is_some(), "{action}");
        }
        assert_eq!(operation("modifyInstanceFleetByName"), None);
        assert_eq!(
            parameters("addStep", json!({"ClusterId": "j-1", "Step": {"Name": "s"}})),
            json!({"JobFlowId": "j-1", "Steps": [{"Name": "s"}]})
        );
        assert_eq!(result("addStep", json!({"StepIds": ["s-1"]})), json!({"StepId": "s-1"}));
        assert_eq!(result("createCluster", json!({"JobFlowId": "j-1"})), json!({"ClusterId": "j-1"}));
        assert_eq!(
            parameters("terminateCluster", json!({"ClusterId": "j-1"})),
            json!({"JobFlowIds": ["j-1"]})
        );
    }
}
