//! Standard Webhooks signatures (specification 1.0.0), as a ticket system makes them.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The value of `webhook-signature` for a body.
///
/// # Errors
/// The secret is none (`whsec_` and base64).
pub(crate) fn signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> anyhow::Result<String> {
    let key = secret.strip_prefix("whsec_").context("a webhook secret begins with whsec_")?;
    let key = STANDARD.decode(key).context("a webhook secret is base64 after whsec_")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).context("the webhook secret cannot be a key")?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_specifications_example() {
        // From the reference libraries of Standard Webhooks.
        let signature = super::signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature.expect("a signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
