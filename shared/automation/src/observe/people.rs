//! Who will sign in, and whether Identity Center knows them.

use std::collections::BTreeMap;

use extoauth_core::error::CallResult;
use extoauth_systems::identity_center::rules::Lookup;
use extoauth_systems::identity_center::{Issuer, ListedUser};
use futures::{StreamExt, stream};

use super::{CenterView, IdpView, Seen, Unread};
use crate::systems::Systems;

/// People who are looked up; of more the first ones stand for the rest.
pub(super) const SAMPLE: usize = 100;
/// Look-ups in flight at once: the identity store throttles early.
const PARALLEL: usize = 5;
/// Users that are listed at most where the mapped attribute cannot be looked up: twenty calls of a hundred.
const MOST_LISTED: usize = 2_000;

/// Somebody who may sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// How people know them: their sign-in name.
    pub name: String,
    /// What the claims of their access tokens will hold, by claim; [`OTHERS`] stands for all that are not listed. Without
    /// it a claim that is not listed is one that our look-up cannot foresee.
    pub claims: BTreeMap<String, Claim>,
}

/// Key in [`Person::claims`] for every claim that is not listed: whoever knows all claims of a token says
/// [`Claim::Missing`] here. No claim has this name.
pub const OTHERS: &str = "*";

impl Person {
    /// What a claim will hold.
    pub fn claim(&self, name: &str) -> Claim {
        self.claims.get(name).or_else(|| self.claims.get(OTHERS)).cloned().unwrap_or(Claim::Unknown)
    }
}

/// What a claim of a person's access token will hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This.
    Is(String),
    /// Nothing: the token will not carry it.
    Missing,
    /// It is made of something that our look-up does not read.
    Unknown,
}

/// Whether Identity Center finds a person by the claim and the attribute that its issuer maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// One user has this value.
    Found,
    /// No user has this value.
    NoUser(String),
    /// More than one user has it: Identity Center takes none of them.
    Several {
        /// The value.
        value: String,
        /// How many users have it.
        users: usize,
    },
    /// The token will not carry the claim.
    NoClaim,
    /// It cannot be foreseen, or not be looked up.
    Unknown(Unread),
}

impl Resolved {
    /// Whether Identity Center will certainly turn the person away.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::NoUser(_) | Self::NoClaim | Self::Several { .. })
    }
}

/// Looks everybody up who may sign in, by what the trusted token issuer maps now.
pub(super) async fn resolve(systems: &Systems, idp: &IdpView, center: &mut CenterView) {
    center.people = match (&idp.people, &center.issuer, &center.instance) {
        (Seen::There(people), Seen::There(issuer), Seen::There(instance)) => {
            Seen::There(resolved(systems, people, issuer, &instance.identity_store_id).await)
        }
        (Seen::Unread(why), _, _) | (_, Seen::Unread(why), _) | (_, _, Seen::Unread(why)) => Seen::Unread(why.clone()),
        (Seen::Gone, _, _) | (_, Seen::Gone, _) | (_, _, Seen::Gone) => Seen::Gone,
    };
}

async fn resolved(systems: &Systems, people: &[Person], issuer: &Issuer, store: &str) -> Vec<(String, Resolved)> {
    let (claim, attribute) = (issuer.claim.as_str(), issuer.attribute.as_str());
    let center = systems.identity_center.read();
    let anybody = people.iter().any(|person| matches!(person.claim(claim), Claim::Is(_)));
    let listed = if anybody && Lookup::of(attribute).is_none() {
        Some(center.users_listed(store, MOST_LISTED).await)
    } else {
        None
    };
    let listed = listed.as_ref();
    stream::iter(people.iter().take(SAMPLE))
        .map(|person| async move {
            let resolved = match (person.claim(claim), listed) {
                (Claim::Missing, _) => Resolved::NoClaim,
                (Claim::Unknown, _) => Resolved::Unknown(Unread::because(
                    format!("what `{claim}` will hold for {} cannot be read beforehand", person.name),
                    "map a usual claim, give our credential the right to read users, or check the users by hand",
                )),
                (Claim::Is(value), Some(listed)) => among(listed, attribute, value),
                (Claim::Is(value), None) => match center.user_by(store, attribute, &value).await {
                    Ok(Some(_)) => Resolved::Found,
                    Ok(None) => Resolved::NoUser(value),
                    Err(e) => Resolved::Unknown(Unread::from(&e)),
                },
            };
            (person.name.clone(), resolved)
        })
        .buffered(PARALLEL)
        .collect()
        .await
}

/// The same from a list of all users.
fn among(listed: &CallResult<Option<Vec<ListedUser>>>, attribute: &str, value: String) -> Resolved {
    let not_looked_up = || {
        Resolved::Unknown(Unread::because(
            format!("the identity store cannot be asked for users by `{attribute}`"),
            "map `emails.value` or `userName`, which can be looked up, or check the users by hand",
        ))
    };
    let users = match listed {
        Ok(Some(users)) => users,
        Ok(None) => return not_looked_up(),
        Err(e) => return Resolved::Unknown(Unread::from(e)),
    };
    let Some(found) = users.iter().map(|user| user.has(attribute, &value)).collect::<Option<Vec<bool>>>() else {
        return not_looked_up();
    };
    match found.into_iter().filter(|has| *has).count() {
        0 => Resolved::NoUser(value),
        1 => Resolved::Found,
        users => Resolved::Several { value, users },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_unknown_unless_somebody_says_so() {
        let mut person = Person { name: "dev".into(), claims: [("sub".to_owned(), Claim::Is("dev".into()))].into() };
        assert_eq!(person.claim("sub"), Claim::Is("dev".into()));
        assert_eq!(person.claim("email"), Claim::Unknown);
        person.claims.insert(OTHERS.to_owned(), Claim::Missing);
        assert_eq!(person.claim("email"), Claim::Missing);
    }

    #[test]
    fn too_many_users_are_not_judged() {
        assert!(matches!(among(&Ok(None), "title", "x".into()), Resolved::Unknown(_)));
        assert_eq!(among(&Ok(Some(Vec::new())), "title", "x".into()), Resolved::NoUser("x".into()));
        let nobody = [ListedUser::default()].into();
        assert!(matches!(among(&Ok(Some(nobody)), "enterprise.division", "x".into()), Resolved::Unknown(_)));
    }
}
