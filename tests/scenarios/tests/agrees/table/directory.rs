//! The identity store: who the tokens' users are there.

use extoauth_sandbox::seed::USERS;
use futures::FutureExt as _;
use serde_json::json;

use crate::mutation::Mutation;

const USERS_OF: &[&str] = &["users_resolvable", "issuer_mapping"];

/// The rows. Two people with one address are none: the identity store lets an address be one user's only, which is why it
/// can be asked for a user by it.
pub const ROWS: &[Mutation] = &[
    Mutation::act("a person removed", USERS_OF, |desk, _, dice| {
        let name = *dice.one(&USERS);
        async move { desk.remove_person(&desk.person(name).await?).await }.boxed()
    })
    .outside()
    .by_person()
    .undone(|desk, _, _| desk.put_directory_back().boxed()),
    Mutation::act("everybody removed", USERS_OF, |desk, _, _| {
        async move {
            for name in USERS {
                desk.remove_person(&desk.person(name).await?).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .outside()
    .undone(|desk, _, _| desk.put_directory_back().boxed()),
    Mutation::act("a person's e-mail address changed", USERS_OF, |desk, _, dice| {
        let name = *dice.one(&USERS);
        let email = format!("{}@example.net", dice.word());
        async move {
            desk.remove_person(&desk.person(name).await?).await?;
            let group = desk.directory("ListGroups", json!({})).await?["Groups"][0]["GroupId"].take();
            desk.add_person(name, &email, group.as_str()).await
        }
        .boxed()
    })
    .outside()
    .by_person()
    .undone(|desk, _, _| desk.put_directory_back().boxed()),
    Mutation::act("somebody else added", USERS_OF, |desk, _, dice| {
        let name = dice.word();
        async move { desk.add_person(&name, &format!("{name}@example.net"), None).await }.boxed()
    })
    .outside()
    .undone(|desk, _, _| desk.put_directory_back().boxed()),
];
