//! The sandbox's record of calls, as times.

use extoauth_sandbox::world::Call;

/// Not the recipe's: the state store, the queue, and what tells others.
const APART: [&str; 4] = ["dynamodb", "sqs", "sns", "events"];

type Interval = (f64, f64);

fn intervals<'c>(calls: impl IntoIterator<Item = &'c Call>) -> Vec<Interval> {
    calls.into_iter().map(|call| (call.start_ms, call.end_ms)).collect()
}

/// How much time is in at least one of these.
fn covered(mut intervals: Vec<Interval>) -> f64 {
    intervals.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut sum = 0.0;
    let mut until = f64::NEG_INFINITY;
    for (start, end) in intervals {
        sum += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    sum
}

/// Milliseconds in which at least one call was with its system.
pub fn busy(calls: &[Call]) -> f64 {
    covered(intervals(calls))
}

/// Where the time of a run went, milliseconds.
pub struct Way {
    /// From the first remote call's start to the last one's end.
    pub span: f64,
    /// Of it, with nothing under way but calls to the state store, the queue and those who are told.
    pub state_store: f64,
    /// Of it, with no call under way at all: the function's own work, TLS handshakes, the way to and fro.
    pub own: f64,
    /// Backwards from the last call, what each one waited for, in order.
    pub chain: Vec<Call>,
    /// How many remote calls.
    pub count: usize,
}

/// Whether a call is one of the recipe.
fn is_remote(call: &Call) -> bool {
    !APART.contains(&call.system.as_str())
}

/// A call in a few words: `okta POST /api/v1/apps`, `sso-admin CreateTrustedTokenIssuer`.
pub fn words(call: &Call) -> String {
    match call.path.starts_with('/') {
        true => format!("{} {} {}", call.system, call.method, call.path),
        false => format!("{} {}", call.system, call.path),
    }
}

/// What the calls of one run tell; none where there is no remote call among them.
pub fn way(calls: &[Call]) -> Option<Way> {
    let remote: Vec<&Call> = calls.iter().filter(|call| is_remote(call)).collect();
    let mut last = *remote.iter().max_by(|one, other| one.end_ms.total_cmp(&other.end_ms))?;
    let first = remote.iter().map(|call| call.start_ms).fold(f64::INFINITY, f64::min);
    let inside = |interval: Interval| (interval.0.clamp(first, last.end_ms), interval.1.clamp(first, last.end_ms));
    let with_remote = covered(intervals(remote.iter().copied()));
    let with_any = covered(intervals(calls).into_iter().map(inside).collect());
    let span = last.end_ms - first;
    // A call that waited for another one starts after its end: the last that had ended is the one it waited for.
    let mut chain = vec![last.clone()];
    while let Some(before) = remote
        .iter()
        .filter(|call| call.end_ms <= last.start_ms)
        .max_by(|one, other| one.end_ms.total_cmp(&other.end_ms))
    {
        last = before;
        chain.push(last.clone());
    }
    chain.reverse();
    Some(Way { span, state_store: with_any - with_remote, own: span - with_any, chain, count: remote.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(system: &str, start_ms: f64, end_ms: f64) -> Call {
        Call {
            n: 0,
            system: system.into(),
            method: "GET".into(),
            path: "/".into(),
            status: 200,
            write: false,
            caller: "provision".into(),
            start_ms,
            end_ms,
        }
    }

    #[test]
    fn a_way_is_split_without_rest() {
        let calls = [
            call("dynamodb", 0.0, 5.0),
            call("okta", 10.0, 90.0),
            call("dbt", 12.0, 92.0),
            call("dynamodb", 91.0, 100.0),
            call("okta", 101.0, 181.0),
            call("dynamodb", 185.0, 190.0),
        ];
        let way = way(&calls).expect("remote calls");
        assert_eq!((way.span, way.state_store, way.own), (171.0, 8.0, 1.0));
        let chain: Vec<(&str, f64)> = way.chain.iter().map(|call| (call.system.as_str(), call.start_ms)).collect();
        assert_eq!((chain, way.count), (vec![("dbt", 12.0), ("okta", 101.0)], 3));
        assert_eq!(busy(&calls), 5.0 + 90.0 + 80.0 + 5.0);
    }

    #[test]
    fn nothing_remote_is_no_way() {
        assert!(way(&[call("dynamodb", 0.0, 5.0)]).is_none());
    }
}
