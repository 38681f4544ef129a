//! The clients of Okta, dbt and ServiceNow against a vendor over real TLS: what they send, how they take the answers,
//! and whether both fit the vendors' own descriptions and recorded traffic.

mod contract;
mod dbt;
mod okta_sign_in;
mod sender;
mod servicenow;
mod vendor;
