//! AWS: rows R22 to R25 of the manual. R21, users and groups in the identity store, is checked before.

use extoauth_core::engine::{Run, Stop};

use crate::federation::Issuer;
use crate::resources::aws::{IssuerEntry, TrustedTokenIssuer};
use crate::systems::Systems;
use crate::want::WantedTrust;

/// R22, R23: Identity Center trusts the issuer and maps its claim. R24, R25: the Redshift application accepts the
/// issuer's tokens for our audience.
pub async fn accept(run: &Run<'_, Systems>, trust: &WantedTrust, issuer: &Issuer) -> Result<(), Stop> {
    let arn = run.ensure(TrustedTokenIssuer::of(trust, &issuer.url)).await?;
    run.ensure(IssuerEntry::of(trust, &arn, &issuer.audience)).await?;
    Ok(())
}
