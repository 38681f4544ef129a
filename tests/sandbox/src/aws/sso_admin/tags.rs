//! Tags of issuers, applications and the instance. Both ARNs are required: the one of the resource and, although the
//! API reference calls it optional, the one of its instance.

use serde_json::{Value, json};

use super::super::input::{Input, missing, structure};
use super::super::wire::AwsError;
use super::model::{Directory, Tags, shown_tags};
use super::{Call, not_found, shapes, visible};
use crate::seed;

/// Tags of one resource.
const MOST_TAGS: usize = 75;

impl Directory {
    pub(super) fn tag(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        call.input.present("Tags").ok_or_else(|| missing("Tags"))?;
        let new = read(call.input)?;
        let tags = self.tags_of(call)?;
        let mut merged = tags.clone();
        merged.extend(new);
        if merged.len() > MOST_TAGS {
            let message = "The resource has the maximum number of tags";
            return Err(AwsError::new(400, "ServiceQuotaExceededException", message));
        }
        *tags = merged;
        Ok(json!({}))
    }

    pub(super) fn untag(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        let keys = call.input.texts("TagKeys", 1, MOST_TAGS, &shapes::TAG_KEY)?.ok_or_else(|| missing("TagKeys"))?;
        let tags = self.tags_of(call)?;
        tags.retain(|key, _| !keys.contains(key));
        Ok(json!({}))
    }

    /// All tags at once: there are at most 75.
    pub(super) fn list_tags(&mut self, call: &Call<'_>) -> Result<Value, AwsError> {
        call.input.optional_text("NextToken", &shapes::PAGE_TOKEN)?;
        let tags = self.tags_of(call)?;
        Ok(json!({"Tags": shown_tags(tags)}))
    }

    fn tags_of(&mut self, call: &Call<'_>) -> Result<&mut Tags, AwsError> {
        let resource = call.input.text("ResourceArn", &shapes::TAGGABLE_ARN)?;
        let instance = call.input.text("InstanceArn", &shapes::INSTANCE_ARN)?;
        if instance != seed::INSTANCE_ARN {
            return Err(not_found("The instance"));
        }
        if resource == instance {
            return Ok(&mut self.instance_tags);
        }
        let issuers = self.issuers.iter_mut().filter(|issuer| visible(issuer.hidden_until));
        let issuers = issuers.map(|issuer| (&issuer.arn, &mut issuer.tags));
        let applications = self.applications.iter_mut().filter(|application| visible(application.hidden_until));
        let applications = applications.map(|application| (&application.arn, &mut application.tags));
        let found = issuers.chain(applications).find(|(arn, _)| *arn == resource);
        found.map(|(_, tags)| tags).ok_or_else(|| not_found("The resource"))
    }
}

/// The member `Tags` of an input; none where absent.
pub(super) fn read(input: Input<'_>) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for tag in input.list("Tags", 0, MOST_TAGS)?.unwrap_or_default() {
        let tag = structure("Tags", tag)?;
        let key = tag.text("Key", &shapes::TAG_KEY)?;
        let value = tag.text("Value", &shapes::TAG_VALUE)?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(AwsError::validation("Tag keys must not start with aws:"));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(AwsError::validation("Tag keys must be unique"));
        }
    }
    Ok(tags)
}
