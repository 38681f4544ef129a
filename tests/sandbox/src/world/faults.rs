//! Faults in order: what `POST /faults` asks for, and what is in force for a call.

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use super::system::KINDS;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes before the server acts.
    ResetBefore,
    /// The server acts, then the connection closes without an answer.
    ResetAfter,
    /// The server does not act and answers with this status.
    Status(u16),
    /// The server does not act and answers that the caller is over its limit, as this vendor does.
    Throttle,
    /// The server acts at once and its answer comes this much later.
    Delay(Duration),
    /// The server acts and what arrives is not what it answered: same status, a body nobody can read.
    Garbage,
    /// The server acts and the answer breaks off in the middle of its body.
    Truncate,
    /// What the server makes is invisible to reads for this long.
    Lag(Duration),
    /// The calling function dies before the server acts.
    KillBefore,
    /// The server acts, then the calling function dies before it has the answer.
    KillAfter,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let ms = |value: &str| {
            let ms = value.parse().map_err(|_| format!("fault {text:?}: {value:?} is not a number of milliseconds"))?;
            Ok::<_, String>(Duration::from_millis(ms))
        };
        Ok(match (name, value) {
            ("reset_before", None) => Self::ResetBefore,
            ("reset_after", None) => Self::ResetAfter,
            ("status", Some(value)) => match value.parse() {
                Ok(status @ 200..=599) => Self::Status(status),
                _ => return Err(format!("fault {text:?}: {value:?} is not a status between 200 and 599")),
            },
            ("throttle", None) => Self::Throttle,
            ("delay", Some(value)) => Self::Delay(ms(value)?),
            ("garbage", None) => Self::Garbage,
            ("truncate", None) => Self::Truncate,
            ("lag", Some(value)) => Self::Lag(ms(value)?),
            ("kill_before", None) => Self::KillBefore,
            ("kill_after", None) => Self::KillAfter,
            _ => {
                return Err(format!(
                    "fault {text:?} is none of reset_before, reset_after, status:<n>, throttle, delay:<ms>, garbage, \
                     truncate, lag:<ms>, kill_before, kill_after"
                ));
            }
        })
    }
}

/// A fault as it is posted: which calls it is for, and what happens to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// System (`okta`, `dynamodb`, …); absent: any.
    pub system: Option<String>,
    /// HTTP method; absent: any.
    pub method: Option<String>,
    /// Glob over the path (AWS: the action), whose `*` also matches `/`; absent: any.
    pub path: Option<String>,
    /// The function that calls, or `admin`; absent: any.
    pub caller: Option<String>,
    /// Which matching call it starts with, counted from when it was posted.
    #[serde(default = "one")]
    pub nth: u64,
    /// For how many matching calls it lasts.
    #[serde(default = "one")]
    pub times: u64,
    /// `reset_before`, `status:503`, `delay:2000`, …
    pub fault: String,
}

fn one() -> u64 {
    1
}

impl FaultSpec {
    /// A fault for the next call to this system with this path glob.
    pub fn new(system: &str, path: &str, fault: &str) -> Self {
        Self {
            system: Some(system.to_owned()),
            method: None,
            path: Some(path.to_owned()),
            caller: None,
            nth: 1,
            times: 1,
            fault: fault.to_owned(),
        }
    }

    /// The same for calls with this method alone.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// The same from the nth matching call on.
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// The same for so many matching calls.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }
}

struct Rule {
    spec: FaultSpec,
    path: Option<GlobMatcher>,
    fault: Fault,
    seen: u64,
}

impl Rule {
    fn new(spec: FaultSpec) -> Result<Self, String> {
        if let Some(system) = &spec.system
            && !KINDS.contains(&system.as_str())
        {
            return Err(format!("system {system:?} is none of {}", KINDS.join(", ")));
        }
        if spec.nth == 0 || spec.times == 0 {
            return Err("nth and times count from 1".to_owned());
        }
        let path = match &spec.path {
            Some(glob) => {
                let glob = GlobBuilder::new(glob)
                    .literal_separator(false)
                    .build()
                    .map_err(|error| format!("path {glob:?} is not a glob: {error}"))?;
                Some(glob.compile_matcher())
            }
            None => None,
        };
        let fault = spec.fault.parse()?;
        if let (Fault::Lag(_), Some(system)) = (fault, &spec.system)
            && crate::moto::SERVICES.contains(&system.as_str())
        {
            return Err(format!("{system} knows no lag: what moto makes is visible at once"));
        }
        Ok(Self { spec, path, fault, seen: 0 })
    }

    fn matches(&self, system: &str, method: &str, path: &str, caller: &str) -> bool {
        self.spec.system.as_deref().is_none_or(|want| want == system)
            && self.spec.method.as_deref().is_none_or(|want| want.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|want| want.is_match(path))
            && self.spec.caller.as_deref().is_none_or(|want| want == caller)
    }
}

/// The faults in force for one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Sum of the delays.
    pub delay: Duration,
    /// Sum of the lags.
    pub lag: Duration,
    /// The first of the others.
    pub outcome: Option<Fault>,
}

/// The posted faults.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    /// Adds faults.
    ///
    /// # Errors
    /// Says what is wrong with the first one that makes no sense; then none is added.
    pub fn add(&self, specs: Vec<FaultSpec>) -> Result<(), String> {
        let rules: Vec<Rule> = specs.into_iter().map(Rule::new).collect::<Result<_, _>>()?;
        self.lock().extend(rules);
        Ok(())
    }

    /// Takes back all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Counts this call and says what happens to it. Delays and lags add up; of the others the one posted first counts.
    pub fn strike(&self, system: &str, method: &str, path: &str, caller: &str) -> Effects {
        let mut effects = Effects::default();
        let mut rules = self.lock();
        for rule in rules.iter_mut().filter(|rule| rule.matches(system, method, path, caller)) {
            rule.seen += 1;
            if rule.seen < rule.spec.nth {
                continue;
            }
            match rule.fault {
                Fault::Delay(by) => effects.delay += by,
                Fault::Lag(by) => effects.lag += by,
                other => effects.outcome = effects.outcome.or(Some(other)),
            }
        }
        // A spent rule is of no use, and `nth + times` may not overflow.
        rules.retain(|rule| rule.seen < rule.spec.nth || rule.seen - rule.spec.nth + 1 < rule.spec.times);
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_when_it_was_posted_and_lasts_as_long_as_asked() {
        let faults = Faults::default();
        faults.add(vec![FaultSpec::new("okta", "/api/v1/apps*", "status:503").nth(2).times(2)]).expect("valid");
        let strike = |path| faults.strike("okta", "POST", path, "provision").outcome;
        assert_eq!(strike("/api/v1/apps"), None);
        assert_eq!(strike("/api/v1/users"), None, "another path does not count");
        assert_eq!(strike("/api/v1/apps/0oa1/groups/00g1"), Some(Fault::Status(503)), "a glob's * matches /");
        assert_eq!(strike("/api/v1/apps"), Some(Fault::Status(503)));
        assert_eq!(strike("/api/v1/apps"), None);
    }

    #[test]
    fn delays_add_up_and_the_first_outcome_counts() {
        let faults = Faults::default();
        let any = |fault: &str| FaultSpec { system: None, path: None, ..FaultSpec::new("", "", fault) };
        faults.add(vec![any("delay:20"), any("delay:30"), any("reset_after"), any("garbage")]).expect("valid");
        let effects = faults.strike("dbt", "GET", "/", "admin");
        assert_eq!(effects.delay, Duration::from_millis(50));
        assert_eq!(effects.outcome, Some(Fault::ResetAfter));
        assert_eq!(faults.strike("dbt", "GET", "/", "admin"), Effects::default());
    }

    #[test]
    fn says_what_is_wrong() {
        let faults = Faults::default();
        let add = |spec: FaultSpec| faults.add(vec![spec]).expect_err("refused");
        assert!(add(FaultSpec::new("oktaa", "*", "garbage")).contains("oktaa"));
        assert!(add(FaultSpec::new("okta", "[", "garbage")).contains("glob"));
        assert!(add(FaultSpec::new("okta", "*", "status:99")).contains("99"));
        assert!(add(FaultSpec::new("okta", "*", "delay:soon")).contains("soon"));
        assert!(add(FaultSpec::new("dynamodb", "*", "lag:5")).contains("no lag"));
        assert!(add(FaultSpec::new("okta", "*", "explode")).contains("explode"));
        assert!(add(FaultSpec::new("okta", "*", "garbage").nth(0)).contains("from 1"));
    }
}
