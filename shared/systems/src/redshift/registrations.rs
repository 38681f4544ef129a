//! With which Identity Center applications the warehouse itself is registered (`CREATE IDENTITY PROVIDER … TYPE AWSIDC`):
//! the SQL that asks, and what its rows mean.

use aws_sdk_redshiftdata::types::Field;

/// An identity provider of the type `AWSIDC` in the warehouse: a row of `svv_identity_providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its name in the database.
    pub name: String,
    /// Prefix of its users and roles.
    pub namespace: String,
    /// ARN of its application in Identity Center; `None` where the row names none that is understood.
    pub application_arn: Option<String>,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// Asks for the identity providers, and whether whoever asks is a superuser: `svv_identity_providers` "is visible only to
/// superusers" (Amazon Redshift Database Developer Guide), so that of others no row means nothing.
pub(super) const SQL: &str = "select u.usesuper, p.name, p.namespc, p.instanceid, p.params, p.enabled from pg_user u left \
     join svv_identity_providers p on p.type = 'awsidc' where u.usename = current_user order by p.name";

/// Why rows tell nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// Who asked is no superuser.
    NotSuperuser,
    /// There is no row of who asked, or one that lacks columns.
    Incomplete,
}

/// The rows of [`SQL`] as identity providers.
pub(super) fn told(rows: &[Vec<Field>]) -> Result<Vec<IdentityProvider>, Unclear> {
    let mut found = Vec::new();
    let mut superuser = None;
    for row in rows {
        let [of_superuser, name, namespace, instance, params, enabled] = row.as_slice() else {
            return Err(Unclear::Incomplete);
        };
        superuser = superuser.or(truth(of_superuser));
        // Without any provider the user's own row stays, its other half empty.
        let Some(name) = text(name) else { continue };
        found.push(IdentityProvider {
            name: name.to_owned(),
            namespace: text(namespace).unwrap_or_default().to_owned(),
            application_arn: [instance, params].into_iter().filter_map(text).find_map(application),
            enabled: truth(enabled).ok_or(Unclear::Incomplete)?,
        });
    }
    match superuser {
        // Whoever sees one may see them, by whatever right.
        _ if !found.is_empty() => Ok(found),
        Some(true) => Ok(found),
        Some(false) => Err(Unclear::NotSuperuser),
        None => Err(Unclear::Incomplete),
    }
}

fn text(field: &Field) -> Option<&str> {
    field.as_string_value().ok().map(String::as_str)
}

fn truth(field: &Field) -> Option<bool> {
    match field {
        Field::BooleanValue(value) => Some(*value),
        Field::StringValue(value) => match value.to_ascii_lowercase().as_str() {
            "t" | "true" => Some(true),
            "f" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The first ARN of an Identity Center application in a text. In which column it stands, and under which key of `params`,
/// is UNCONFIRMED, so both are searched. As text: the guide's own sample of `params` is no valid JSON.
fn application(text: &str) -> Option<String> {
    let of_arn = |c: char| c.is_ascii_alphanumeric() || ":/-_.+=@".contains(c);
    let plain = text.replace("\\/", "/");
    let found = plain.split(|c| !of_arn(c)).find(|word| {
        let parts: Vec<&str> = word.splitn(6, ':').collect();
        matches!(parts.as_slice(), ["arn", _, "sso", _, _, resource] if resource.starts_with("application/"))
    });
    found.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sso::123456789012:application/ssoins-7223b05b8f8ca0d1/apl-0f5c1a2b3c4d5e6f";

    fn row(superuser: bool, instance: &str, params: &str) -> Vec<Field> {
        let text = |value: &str| Field::StringValue(value.to_owned());
        vec![
            Field::BooleanValue(superuser),
            text("idc"),
            text("AWSIDC"),
            text(instance),
            text(params),
            Field::BooleanValue(true),
        ]
    }

    fn nothing(superuser: bool) -> Vec<Field> {
        let mut row = vec![Field::BooleanValue(superuser)];
        row.resize(6, Field::IsNull(true));
        row
    }

    #[test]
    fn the_application_is_found_wherever_it_stands() {
        let escaped = ARN.replace('/', "\\/");
        let table = [
            (ARN.to_owned(), String::new()),
            ("apl-0f5c1a2b3c4d5e6f".to_owned(), format!(r#"{{"application_arn":"{ARN}"}}"#)),
            (String::new(), format!(r#"{{"iam_role":"arn:aws:iam::1:role/r","client":, "x":["{escaped}"]}}"#)),
        ];
        for (instance, params) in table {
            let found = told(&[row(true, &instance, &params)]).expect("told");
            assert_eq!(found[0].application_arn.as_deref(), Some(ARN), "{instance} {params}");
        }
        let params =
            r#"{"instance_arn":"arn:aws:sso:::instance/ssoins-1","iam_role":"arn:aws:iam::1:role/application/x"}"#;
        assert_eq!(told(&[row(true, "apl-1", params)]).expect("told")[0].application_arn, None);
    }

    #[test]
    fn no_row_means_something_to_a_superuser_only() {
        assert_eq!(told(&[nothing(true)]), Ok(vec![]));
        assert_eq!(told(&[nothing(false)]), Err(Unclear::NotSuperuser));
        assert_eq!(told(&[]), Err(Unclear::Incomplete));
        assert_eq!(told(&[vec![Field::BooleanValue(true)]]), Err(Unclear::Incomplete));
        assert_eq!(told(&[row(false, ARN, "")]).expect("whoever sees one may see them").len(), 1);
    }

    #[test]
    fn a_truth_comes_as_text_as_well() {
        let mut disabled = row(true, ARN, "");
        disabled[5] = Field::StringValue("f".to_owned());
        assert!(!told(&[disabled.clone()]).expect("told")[0].enabled);
        disabled[5] = Field::IsNull(true);
        assert_eq!(told(&[disabled]), Err(Unclear::Incomplete));
    }
}
