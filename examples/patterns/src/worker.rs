//! The work of two state machines, wherever they run: on AWS or in the local stack. It needs two AWS clients and nothing else.

use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};

/// How many cents an order may cost without a refusal by the approver.
const APPROVED_UP_TO: u64 = 100_000;

/// A worker. Any number of them may run at the same time: a task or a message is given to one.
#[derive(Clone)]
pub struct Worker {
    /// The client of Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    /// The client of SQS.
    pub sqs: aws_sdk_sqs::Client,
    /// The activity whose tasks are done.
    pub activity_arn: String,
    /// The queue of orders, each with a task token.
    pub orders_url: String,
    /// The queue of priced orders that wait for approval, with the same token.
    pub approvals_url: String,
}

impl Worker {
    /// Works in all three roles until one fails.
    ///
    /// # Errors
    /// If AWS does not answer, or refuses.
    pub async fn run(&self) -> anyhow::Result<()> {
        tokio::try_join!(self.serve_activity(), self.serve_orders(), self.serve_approvals()).map(drop)
    }

    /// Call, work, respond.
    async fn serve_activity(&self) -> anyhow::Result<()> {
        loop {
            let ask = self.sfn.get_activity_task().activity_arn(&self.activity_arn).worker_name("rust");
            let task = ask.send().await?;
            // Step Functions holds the line for a minute; without a task it answers without a token.
            let Some(token) = task.task_token().filter(|token| !token.is_empty()) else { continue };
            let order = serde_json::from_str(task.input().unwrap_or_default()).unwrap_or_default();
            self.respond(token, price(&order)).await;
        }
    }

    /// Call, work, delegate: the approver gets the token with the result, and this worker forgets both.
    async fn serve_orders(&self) -> anyhow::Result<()> {
        loop {
            for message in self.receive(&self.orders_url).await? {
                let body = body(&message);
                let token = body["task_token"].as_str().unwrap_or_default();
                match price(&body["content"]) {
                    Ok(priced) => {
                        let request = json!({"task_token": token, "content": priced}).to_string();
                        let send = self.sqs.send_message().queue_url(&self.approvals_url);
                        send.message_body(request).send().await?;
                    }
                    Err(cause) => self.respond(token, Err(cause)).await,
                }
                self.delete(&self.orders_url, &message).await?;
            }
        }
    }

    /// Respond, in the place of the worker that was called.
    async fn serve_approvals(&self) -> anyhow::Result<()> {
        loop {
            for message in self.receive(&self.approvals_url).await? {
                let body = body(&message);
                let result = approve(&body["content"]);
                self.respond(body["task_token"].as_str().unwrap_or_default(), result).await;
                self.delete(&self.approvals_url, &message).await?;
            }
        }
    }

    /// Completes the task. A task that has timed out, or has been completed by another, takes no answer; the worker continues.
    async fn respond(&self, token: &str, result: Result<Value, String>) {
        let refused = match result {
            Ok(output) => {
                let respond = self.sfn.send_task_success().task_token(token).output(output.to_string());
                respond.send().await.err().map(|error| error.into_service_error().to_string())
            }
            Err(cause) => {
                let respond =
                    self.sfn.send_task_failure().task_token(token).error("OrderInvalid").cause(cause);
                respond.send().await.err().map(|error| error.into_service_error().to_string())
            }
        };
        if let Some(error) = refused {
            tracing::warn!(error, "the task takes no answer");
        }
    }

    async fn receive(&self, queue_url: &str) -> anyhow::Result<Vec<Message>> {
        let receive = self.sqs.receive_message().queue_url(queue_url).wait_time_seconds(20);
        Ok(receive.send().await?.messages.unwrap_or_default())
    }

    /// Deletes a message once it has been dealt with: if the worker dies before, another one receives it.
    async fn delete(&self, queue_url: &str, message: &Message) -> anyhow::Result<()> {
        let handle = message.receipt_handle().unwrap_or_default();
        self.sqs.delete_message().queue_url(queue_url).receipt_handle(handle).send().await?;
        Ok(())
    }
}

fn body(message: &Message) -> Value {
    serde_json::from_str(message.body().unwrap_or_default()).unwrap_or_default()
}

/// The total of an order's lines, in cents.
fn price(order: &Value) -> Result<Value, String> {
    let lines = order["lines"].as_array().ok_or("an order has lines")?;
    let mut total = 0_u64;
    for line in lines {
        let number = |name: &str| line[name].as_u64().ok_or(format!("{name} is not a whole number from 0"));
        let cost = number("price")?.checked_mul(number("count")?);
        total = cost.and_then(|cost| total.checked_add(cost)).ok_or("the total is too large")?;
    }
    Ok(json!({"total": total, "worker": "rust"}))
}

/// A priced order with the approver's word on it.
fn approve(priced: &Value) -> Result<Value, String> {
    let total = priced["total"].as_u64().ok_or("an order without a total cannot be approved")?;
    Ok(json!({"total": total, "worker": priced["worker"], "approved": total <= APPROVED_UP_TO}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_cannot_be_priced_says_why() {
        let order = |line: Value| price(&json!({"lines": [line]}));
        assert_eq!(order(json!({"price": 250, "count": 2})).unwrap()["total"], 500);
        assert_eq!(price(&json!("?")).unwrap_err(), "an order has lines");
        assert_eq!(
            order(json!({"price": -1, "count": 2})).unwrap_err(),
            "price is not a whole number from 0"
        );
        assert_eq!(order(json!({"price": u64::MAX, "count": 2})).unwrap_err(), "the total is too large");
        assert_eq!(approve(&json!([])).unwrap_err(), "an order without a total cannot be approved");
    }
}
