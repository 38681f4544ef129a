//! *verify* agrees with reality: whatever one person changes by the vendors' own APIs, or two, a developer's real login
//! either works or not, and verify says so beforehand, and names the link.
//!
//! A healthy integration of each provider is changed by the rows of a table ([`table`]), one at a time, then by seeded
//! random ones and pairs of them. After each, *verify* runs in this process as the queue's worker runs it, and a real
//! OAuth client library and Redshift's own driver log the developers in ([`judge`]). What is right is never written in
//! the table: the judge decides. No login fails without a `critical` finding; no finding is `critical` while every login
//! works; the first `critical` one names the link that was broken; and what was broken is healthy after its fix.
//!
//! Needs a Python with moto, the adapter's Python (`make .tools/adapter/.ready`) and a PostgreSQL for the sandbox's
//! warehouse (`make .tools/postgres/.ready`); where one is missing it says that it skips. In the environment:
//! `EXTOAUTH_AGREES_RANDOM` is the number of random changes at both providers together, `EXTOAUTH_AGREES_SEED` what they
//! grow from, `EXTOAUTH_AGREES_ONLY` lets only the changes play whose name holds the text.

#[path = "../matrix/admin.rs"]
#[allow(dead_code, reason = "the matrix uses all of it")]
mod admin;
mod desk;
mod dice;
#[path = "../matrix/drive.rs"]
#[allow(dead_code, reason = "the matrix uses all of it")]
mod drive;
#[path = "../matrix/house.rs"]
#[allow(dead_code, reason = "the matrix uses all of it")]
mod house;
mod judge;
mod mutation;
mod ours;
mod play;
mod provider;
mod stage;
mod table;
mod tally;

use provider::{ENTRA, OKTA};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn okta() {
    play::whole(&OKTA).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entra() {
    play::whole(&ENTRA).await;
}
