//! From an SQS batch to the worker of `extoauth-runtime`, and back.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use extoauth_runtime::bootstrap::guarded;
use extoauth_runtime::provision::{Handled, RESERVE, Worker};
use extoauth_systems::http::Deadline;
use lambda_runtime::{Error, LambdaEvent};

/// Handles the messages of a batch in order. The queue is FIFO: after one that comes again, the rest of the batch comes
/// again as well, so that the order holds.
pub async fn handle(worker: &Worker, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Error> {
    let deadline = Deadline::at(event.context.deadline(), RESERVE);
    let mut response = SqsBatchResponse::default();
    for message in event.payload.records {
        let id = message.message_id.unwrap_or_default();
        let handled = if response.batch_item_failures.is_empty() {
            let (body, receipt) = (message.body.unwrap_or_default(), message.receipt_handle.unwrap_or_default());
            let work = worker.handle(&body, &receipt, deadline);
            guarded(&event.context.request_id, work).await?
        } else {
            Handled::Again
        };
        if handled == Handled::Again {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}
