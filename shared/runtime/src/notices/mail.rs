//! Mail by SES.

use aws_config::SdkConfig;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageHeader};
use aws_smithy_types::error::operation::BuildError;
use extoauth_core::notice::Notice;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::carrier::judge;
use super::{Carrier, Channel, Sending};

pub(super) struct Mail {
    client: Client,
    from: String,
    /// Who is written to where the owner is no address.
    to: String,
}

impl Mail {
    pub(super) fn new(config: &SdkConfig, from: &str, to: &str) -> Self {
        Self { client: Client::new(config), from: from.to_owned(), to: to.to_owned() }
    }

    async fn send(&self, notice: &Notice) -> Sending {
        let to = notice.owner.as_deref().filter(|owner| is_address(owner)).unwrap_or(&self.to);
        let message = match message(notice) {
            Ok(message) => message,
            Err(error) => return Sending::NotSent(format!("the mail could not be built: {error}")),
        };
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await;
        match sent {
            Ok(_) => Sending::Sent,
            Err(error) => judge("SES", &error),
        }
    }
}

fn message(notice: &Notice) -> Result<Message, BuildError> {
    let content = |text: String| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(content(notice.text())?).html(content(notice.html())?).build();
    // Keeps out-of-office answers away (RFC 3834, section 5).
    let automatic = MessageHeader::builder().name("Auto-Submitted").value("auto-generated").build()?;
    Ok(Message::builder().subject(content(notice.subject())?).body(body).headers(automatic).build())
}

impl Carrier for Mail {
    fn channel(&self) -> Channel {
        Channel::Mail
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Sending> {
        self.send(notice).boxed()
    }
}

/// Whether a text is one mail address and nothing else: no name before it, no second one, no line break.
pub(crate) fn is_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !",;:<>()[]\\\"".contains(c);
    let Some((local, domain)) = text.split_once('@') else { return false };
    text.len() <= 254
        && !local.is_empty()
        && text.chars().all(plain)
        && !domain.contains('@')
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_and_nothing_else() {
        assert!(is_address("data-platform@example.com"));
        for other in [
            "",
            "Data Platform",
            "@example.com",
            "a@b",
            "a@b..c",
            "a@b.c,d@e.f",
            "A <a@b.c>",
            "a@b.c\r\nBcc: x@y.z",
            "a@b@c.d",
            "a b@c.d",
        ] {
            assert!(!is_address(other), "{other:?}");
        }
    }
}
