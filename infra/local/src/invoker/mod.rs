//! What the engine's Task states can ask for here: Lambda functions, SNS and DynamoDB.

mod lambda;
mod sdk;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;
use statemachine::data::Json;
use statemachine::{Call, Invoker, TaskFailure};

use crate::aws::DynamoDb;
use crate::functions::Functions;
use crate::sns::Sns;
use crate::worker::Worker;

/// The services of the stack, as the engine sees them.
#[derive(Clone)]
pub(crate) struct HostInvoker {
    functions: Arc<Functions>,
    sns: Arc<Worker<Sns>>,
    dynamodb: Arc<DynamoDb>,
}

impl HostInvoker {
    /// An invoker over these services.
    pub(crate) fn new(
        functions: Arc<Functions>,
        sns: Arc<Worker<Sns>>,
        dynamodb: Arc<DynamoDb>,
    ) -> HostInvoker {
        HostInvoker { functions, sns, dynamodb }
    }

    async fn answer(self, call: Call) -> Result<Json, TaskFailure> {
        match call.service.as_str() {
            "lambda" => lambda::invoke(&self.functions, &call.parameters).await,
            "aws-sdk:lambda" => lambda::invoke_as_sdk(&self.functions, &call.parameters).await,
            "sns" => {
                sdk::sns(&self.sns, &call.action, Value::from(&call.parameters), sdk::Wording::Optimized)
                    .await
            }
            "aws-sdk:sns" => {
                sdk::sns(&self.sns, &call.action, Value::from(&call.parameters), sdk::Wording::Sdk).await
            }
            "dynamodb" => {
                sdk::dynamodb(&self.dynamodb, &call.action, &call.parameters, sdk::Wording::Optimized).await
            }
            "aws-sdk:dynamodb" => {
                sdk::dynamodb(&self.dynamodb, &call.action, &call.parameters, sdk::Wording::Sdk).await
            }
            service => Err(TaskFailure {
                error: "States.Runtime".to_owned(),
                cause: format!("the local stack has no service {service}"),
            }),
        }
    }
}

impl Invoker for HostInvoker {
    fn supports(&self, service: &str, action: &str) -> bool {
        match service {
            "lambda" | "aws-sdk:lambda" => action == "invoke",
            "sns" => action == "publish",
            "dynamodb" => matches!(action, "getItem" | "putItem" | "updateItem" | "deleteItem"),
            "aws-sdk:sns" => Sns::has(&sdk::pascal_case(action)),
            "aws-sdk:dynamodb" => DynamoDb::has(&sdk::pascal_case(action)),
            _ => false,
        }
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        Box::pin(self.clone().answer(call))
    }
}
