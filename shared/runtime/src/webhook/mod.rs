//! Who calls: Standard Webhooks signatures and bearer keys.

mod bearer;
mod door;
mod keys;
mod signature;

pub use door::SecretDoor;
pub use keys::Keys;
pub use signature::TOLERANCE;

/// Why a call is not let in. Says enough for the sender to mend it, and nothing about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is neither a signature nor a bearer key.
    #[error("The call carries neither a webhook signature nor a bearer key.")]
    Nothing,
    /// A header of a signed call is missing, repeated or not of its form.
    #[error("The header `{0}` is missing or not of the form that Standard Webhooks describes.")]
    Header(&'static str),
    /// The signature's time is too far from now: a replay, or a clock that is wrong.
    #[error("The header `webhook-timestamp` is more than five minutes away from now.")]
    Time,
    /// No secret of ours makes any of the signatures.
    #[error("The signature does not fit.")]
    Signature,
    /// No key of ours is the given one.
    #[error("The bearer key is not known.")]
    Bearer,
}
