//! The cells of the matrix: one fault in one call.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use extoauth_sandbox::world::{Call, FaultSpec};

use crate::house::House;

/// Which call of a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The system.
    pub system: String,
    /// HTTP method.
    pub method: String,
    /// Glob of its path, in which ids are any text of their length.
    pub path: String,
    /// Which of the calls that match.
    pub nth: u64,
    /// Whether it writes.
    pub write: bool,
    /// Whether it is the last one that matches.
    pub last: bool,
}

impl Place {
    /// The fault in this call.
    pub fn struck(&self, fault: &str) -> FaultSpec {
        FaultSpec::new(&self.system, &self.path, fault).method(&self.method).nth(self.nth)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} #{}", self.system, self.method, self.path, self.nth)
    }
}

/// The places of a recorded run.
pub fn places(calls: &[Call]) -> Vec<Place> {
    let mut seen: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut places: Vec<Place> = Vec::new();
    for call in calls {
        let key = (call.system.clone(), call.method.clone(), glob(&call.path));
        let nth = seen.entry(key.clone()).or_default();
        *nth += 1;
        let (system, method, path) = key;
        places.push(Place { system, method, path, nth: *nth, write: call.write, last: false });
    }
    for place in &mut places {
        let key = (place.system.clone(), place.method.clone(), place.path.clone());
        place.last = seen.get(&key) == Some(&place.nth);
    }
    places
}

/// A path in which each id is replaced by as many `?` as it has characters: Okta's are 20 letters and digits, dbt's new
/// ones numbers of six digits, Entra's GUIDs, also as alternate keys (`applications(appId='…')`), and longer texts without
/// dots. A path of other calls is never as long.
fn glob(path: &str) -> String {
    let part = |part: &str| {
        let id = part.chars().all(|c| c.is_ascii_alphanumeric()) && part.contains(|c: char| c.is_ascii_digit());
        let okta = part.len() == 20 && id;
        let dbt = part.len() == 6 && part.chars().all(|c| c.is_ascii_digit());
        // Assignments and grants of Entra: base64url of what they join.
        let joined = part.len() >= 43 && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if okta || dbt || joined || is_guid(part) { "?".repeat(part.len()) } else { with_any_key(part) }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()))
}

/// A segment whose alternate key is a GUID stands for that of any.
fn with_any_key(segment: &str) -> String {
    let key = segment.split_once("='").and_then(|(_, rest)| rest.strip_suffix("')")).filter(|key| is_guid(key));
    key.map_or_else(|| segment.to_owned(), |key| segment.replace(key, &"?".repeat(key.len())))
}

/// One cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Which call.
    pub place: Place,
    /// What happens to it.
    pub fault: &'static str,
    /// Its number: some proofs are made for every few cells only.
    pub n: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.fault)
    }
}

/// All cells of these places and faults, less those that `wanted` turns down.
pub fn cells(places: &[Place], faults: &[&'static str], wanted: impl Fn(&Place, &str) -> bool) -> Vec<Cell> {
    let only = std::env::var("EXTOAUTH_MATRIX_ONLY").unwrap_or_default();
    let mut all = Vec::new();
    for place in places {
        for fault in faults {
            let cell = Cell { place: place.clone(), fault, n: all.len() };
            if wanted(place, fault) && cell.to_string().contains(&only) {
                all.push(cell);
            }
        }
    }
    all
}

/// Runs that are under way at once, each in a sandbox of its own: most of a run is waiting.
const LANES: usize = 5;

/// The stack of a process's main thread, which is where the function runs.
const STACK: usize = 8 << 20;

/// A runtime for one lane.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Plays all cells and gives what went wrong in which. `lane_of` finds out what one lane needs to know, `play` plays one
/// cell there.
pub fn play_all<L>(
    cells: Vec<Cell>,
    lane_of: impl AsyncFn(&mut House) -> L + Copy + Send + 'static,
    play: impl AsyncFn(&mut House, &L, &Cell) -> Vec<String> + Copy + Send + 'static,
) -> Vec<String> {
    let todo = Arc::new(Mutex::new(VecDeque::from(cells)));
    let lanes: Vec<_> = (0..LANES)
        .map(|_| {
            let todo = Arc::clone(&todo);
            let lane = std::thread::Builder::new().stack_size(STACK);
            lane.spawn(move || runtime().block_on(play_lane(&todo, lane_of, play))).expect("a thread")
        })
        .collect();
    lanes.into_iter().flat_map(|lane| lane.join().expect("a lane ends")).collect()
}

async fn play_lane<L>(
    todo: &Mutex<VecDeque<Cell>>,
    lane: impl AsyncFn(&mut House) -> L,
    play: impl AsyncFn(&mut House, &L, &Cell) -> Vec<String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(mut house) = House::open().await else { return wrong };
    let known = lane(&mut house).await;
    loop {
        let next = todo.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(cell) = next else { return wrong };
        house.clear().await;
        let found = play(&mut house, &known, &cell).await;
        if !found.is_empty() {
            wrong.push(format!("--- {cell}\n{}", found.join("\n")));
        }
    }
}

/// Asserts that nothing went wrong.
pub fn nothing_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} cells went wrong:\n{}", wrong.len(), wrong.join("\n"));
}
