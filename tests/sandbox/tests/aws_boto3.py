"""Every operation of the AWS stand-ins through boto3. The only argument is a JSON object that names endpoints, ARNs and
tokens (see tests/aws/boto3.rs, which runs this). Exits 0 and prints "boto3 agrees" if all is as AWS would have it."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

SITUATION = json.loads(sys.argv[1])
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def client(service):
    return boto3.client(
        service,
        endpoint_url=SITUATION["endpoints"][service],
        region_name=SITUATION["region"],
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="not-a-secret",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def expect_error(code, status, call, **arguments):
    try:
        answer = call(**arguments)
    except ClientError as error:
        found = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), f"expected {(code, status)}, got {found}: {error}"
        assert error.response["ResponseMetadata"].get("RequestId"), "no request id"
        return error
    raise AssertionError(f"expected {code}, got {answer}")


def issuers(sso):
    instance = SITUATION["instance"]
    configuration = {
        "OidcJwtConfiguration": {
            "IssuerUrl": SITUATION["issuer_url"],
            "ClaimAttributePath": "sub",
            "IdentityStoreAttributePath": "emails.value",
            "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
        }
    }
    create = {
        "InstanceArn": instance,
        "Name": "okta-acme",
        "TrustedTokenIssuerType": "OIDC_JWT",
        "TrustedTokenIssuerConfiguration": configuration,
        "ClientToken": "boto3-1",
        "Tags": [{"Key": "owner", "Value": "boto3"}],
    }
    found = sso.list_instances()["Instances"]
    assert [(i["InstanceArn"], i["Status"], i["IdentityStoreId"]) for i in found] == [
        (instance, "ACTIVE", SITUATION["identity_store"])
    ], found
    assert sso.describe_instance(InstanceArn=instance)["InstanceArn"] == instance

    arn = sso.create_trusted_token_issuer(**create)["TrustedTokenIssuerArn"]
    assert sso.create_trusted_token_issuer(**create)["TrustedTokenIssuerArn"] == arn, "not idempotent"
    expect_error("IdempotentParameterMismatch", 400, sso.create_trusted_token_issuer, **{**create, "Name": "other"})
    wrong = json.loads(json.dumps(configuration))
    wrong["OidcJwtConfiguration"]["ClaimAttributePath"] = "https://example.com/email"
    expect_error(
        "ValidationException", 400, sso.create_trusted_token_issuer,
        **{**create, "ClientToken": "boto3-2", "TrustedTokenIssuerConfiguration": wrong},
    )
    described = sso.describe_trusted_token_issuer(TrustedTokenIssuerArn=arn)
    assert described["TrustedTokenIssuerConfiguration"] == configuration, described
    pages = sso.get_paginator("list_trusted_token_issuers").paginate(
        InstanceArn=instance, PaginationConfig={"PageSize": 1}
    )
    listed = [issuer["TrustedTokenIssuerArn"] for page in pages for issuer in page["TrustedTokenIssuers"]]
    assert listed == [SITUATION["foreign_issuer"], arn], listed
    sso.update_trusted_token_issuer(
        TrustedTokenIssuerArn=arn,
        Name="renamed",
        TrustedTokenIssuerConfiguration={"OidcJwtConfiguration": {"IdentityStoreAttributePath": "userName"}},
    )
    described = sso.describe_trusted_token_issuer(TrustedTokenIssuerArn=arn)
    mapping = described["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"]
    assert described["Name"] == "renamed" and mapping["IdentityStoreAttributePath"] == "userName", described
    assert mapping["IssuerUrl"] == SITUATION["issuer_url"] and mapping["ClaimAttributePath"] == "sub"

    both = {"InstanceArn": instance, "ResourceArn": arn}
    sso.tag_resource(**both, Tags=[{"Key": "more", "Value": "yes"}])
    sso.untag_resource(**both, TagKeys=["owner"])
    assert sso.list_tags_for_resource(**both)["Tags"] == [{"Key": "more", "Value": "yes"}]
    expect_error("ValidationException", 400, sso.list_tags_for_resource, ResourceArn=arn)

    surplus = [
        sso.create_trusted_token_issuer(**{**create, "ClientToken": f"surplus-{n}"})["TrustedTokenIssuerArn"]
        for n in range(8)
    ]
    expect_error(
        "ServiceQuotaExceededException", 400, sso.create_trusted_token_issuer, **{**create, "ClientToken": "eleventh"}
    )
    for extra in surplus:
        sso.delete_trusted_token_issuer(TrustedTokenIssuerArn=extra)
    expect_error(
        "ResourceNotFoundException", 400, sso.describe_trusted_token_issuer, TrustedTokenIssuerArn=surplus[0]
    )
    return arn


def applications(sso):
    application = SITUATION["application"]
    pages = sso.get_paginator("list_applications").paginate(
        InstanceArn=SITUATION["instance"], PaginationConfig={"PageSize": 1}
    )
    listed = [found["ApplicationArn"] for page in pages for found in page["Applications"]]
    assert len(listed) == 2 and application in listed, listed
    described = sso.describe_application(ApplicationArn=application)
    assert described["Status"] == "ENABLED" and described["CreatedDate"].year >= 2020, described
    methods = sso.list_application_authentication_methods(ApplicationArn=application)["AuthenticationMethods"]
    method = sso.get_application_authentication_method(ApplicationArn=application, AuthenticationMethodType="IAM")
    assert methods[0]["AuthenticationMethod"] == method["AuthenticationMethod"]
    assert method["AuthenticationMethod"]["Iam"]["ActorPolicy"]["Statement"], method
    assert sso.get_application_assignment_configuration(ApplicationArn=application)["AssignmentRequired"] is False
    assert sso.list_application_assignments(ApplicationArn=application)["ApplicationAssignments"] == []
    sso.put_application_assignment_configuration(ApplicationArn=application, AssignmentRequired=True)
    assignment = {"ApplicationArn": application, "PrincipalId": SITUATION["user"], "PrincipalType": "USER"}
    sso.create_application_assignment(**assignment)
    assert sso.list_application_assignments(ApplicationArn=application)["ApplicationAssignments"] == [assignment]
    sso.delete_application_assignment(**assignment)
    sso.put_application_assignment_configuration(ApplicationArn=application, AssignmentRequired=False)
    scopes = sso.list_application_access_scopes(ApplicationArn=application)["Scopes"]
    assert sso.get_application_access_scope(ApplicationArn=application, Scope=scopes[0]["Scope"])["Scope"]


def grants(sso, issuer):
    application = SITUATION["application"]
    key = {"ApplicationArn": application, "GrantType": JWT_BEARER}
    before = sso.get_application_grant(**key)["Grant"]
    assert [g["GrantType"] for g in sso.list_application_grants(ApplicationArn=application)["Grants"]] == [JWT_BEARER]
    entry = {"TrustedTokenIssuerArn": issuer, "AuthorizedAudiences": [SITUATION["audience"]]}
    sso.put_application_grant(**key, Grant={"JwtBearer": {"AuthorizedTokenIssuers": [entry]}})
    assert sso.get_application_grant(**key)["Grant"]["JwtBearer"]["AuthorizedTokenIssuers"] == [entry]
    expect_error(
        "ValidationException", 400, sso.put_application_grant, **key,
        Grant={"JwtBearer": {"AuthorizedTokenIssuers": [{**entry, "AuthorizedAudiences": ["a"] * 11}]}},
    )
    sso.delete_application_grant(**key)
    expect_error("ResourceNotFoundException", 400, sso.get_application_grant, **key)
    sso.put_application_grant(**key, Grant=before)


def redshift_applications(redshift, sso, issuer):
    main = {"RedshiftIdcApplicationArn": SITUATION["redshift_application"]}

    def describe():
        return redshift.describe_redshift_idc_applications(**main)["RedshiftIdcApplications"][0]

    before = describe()
    assert before["IdcManagedApplicationArn"] == SITUATION["application"], before
    assert before["ServiceIntegrations"] == [{"Redshift": [{"Connect": {"Authorization": "Enabled"}}]}], before
    theirs = before["AuthorizedTokenIssuerList"]
    assert [entry["TrustedTokenIssuerArn"] for entry in theirs] == [SITUATION["foreign_issuer"]], theirs
    ours = {"TrustedTokenIssuerArn": issuer, "AuthorizedAudiencesList": [SITUATION["audience"], "api://a&b"]}

    redshift.modify_redshift_idc_application(**main, AuthorizedTokenIssuerList=[])
    assert describe().get("AuthorizedTokenIssuerList", []) == []
    key = {"ApplicationArn": SITUATION["application"], "GrantType": JWT_BEARER}
    expect_error("ResourceNotFoundException", 400, sso.get_application_grant, **key)
    answer = redshift.modify_redshift_idc_application(**main, AuthorizedTokenIssuerList=[*theirs, ours])
    assert answer["RedshiftIdcApplication"]["AuthorizedTokenIssuerList"] == [*theirs, ours], answer
    redshift.modify_redshift_idc_application(**main, IdentityNamespace="NS")
    after = describe()
    assert after["AuthorizedTokenIssuerList"] == [*theirs, ours] and after["IdentityNamespace"] == "NS", after
    grant = sso.get_application_grant(**key)["Grant"]["JwtBearer"]["AuthorizedTokenIssuers"]
    assert grant[1]["AuthorizedAudiences"] == ours["AuthorizedAudiencesList"], grant
    expect_error(
        "InvalidParameterValue", 400, redshift.modify_redshift_idc_application, **main,
        AuthorizedTokenIssuerList=[{**ours, "AuthorizedAudiencesList": []}],
    )

    create = {
        "IdcInstanceArn": SITUATION["instance"],
        "RedshiftIdcApplicationName": "by-boto3",
        "IdcDisplayName": "by-boto3",
        "IamRoleArn": "arn:aws:iam::123456789012:role/redshift-idc",
        "AuthorizedTokenIssuerList": [ours],
        "ServiceIntegrations": [
            {"LakeFormation": [{"LakeFormationQuery": {"Authorization": "Enabled"}}]},
            {"Redshift": [{"Connect": {"Authorization": "Enabled"}}]},
        ],
        "ApplicationType": "Lakehouse",
        "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
        "SsoTagKeys": ["b"],
    }
    made = redshift.create_redshift_idc_application(**create)["RedshiftIdcApplication"]
    for name, value in create.items():
        assert made[name] == value, (name, made[name])
    tags = sso.list_tags_for_resource(InstanceArn=SITUATION["instance"], ResourceArn=made["IdcManagedApplicationArn"])
    assert tags["Tags"] == [{"Key": "b", "Value": "2"}], tags
    expect_error("RedshiftIdcApplicationAlreadyExists", 400, redshift.create_redshift_idc_application, **create)
    pages = redshift.get_paginator("describe_redshift_idc_applications").paginate(PaginationConfig={"PageSize": 1})
    names = [found["RedshiftIdcApplicationName"] for page in pages for found in page["RedshiftIdcApplications"]]
    assert len(names) == 2 and names[1] == "by-boto3", names
    arn = {"RedshiftIdcApplicationArn": made["RedshiftIdcApplicationArn"]}
    redshift.delete_redshift_idc_application(**arn)
    expect_error("RedshiftIdcApplicationNotExists", 404, redshift.describe_redshift_idc_applications, **arn)
    try:
        redshift.modify_redshift_idc_application(**arn)
    except redshift.exceptions.RedshiftIdcApplicationNotExistsFault:
        pass


def exchange(oidc):
    tokens = SITUATION["tokens"]

    def redeem(assertion, application=SITUATION["application"], grant=JWT_BEARER):
        return oidc.create_token_with_iam(clientId=application, grantType=grant, assertion=assertion)

    missing = SITUATION["application"][:-4] + "0000"
    expect_error("InvalidClientException", 401, redeem, assertion=tokens["good"], application=missing)
    expect_error("UnsupportedGrantTypeException", 400, redeem, assertion=tokens["good"], grant="password")
    for name in ("slash", "audience", "expired", "nobody"):
        error = expect_error("InvalidGrantException", 400, redeem, assertion=tokens[name])
        assert error.response["error"] == "invalid_grant", error.response
    answer = redeem(tokens["good"])
    assert answer["tokenType"] == "Bearer" and answer["expiresIn"] > 0 and answer["accessToken"], answer
    assert answer["awsAdditionalDetails"]["identityContext"] and "sts:identity_context" in answer["scope"], answer
    expect_error("InvalidGrantException", 400, redeem, assertion=tokens["good"])


def outbound(sts):
    def token(**arguments):
        return sts.get_web_identity_token(Audience=["api://AzureADTokenExchange"], **arguments)

    answer = token(SigningAlgorithm="RS256", DurationSeconds=60, Tags=[{"Key": "team", "Value": "data"}])
    assert answer["WebIdentityToken"].count(".") == 2 and answer["Expiration"].tzinfo, answer
    expect_error("ValidationError", 400, token, SigningAlgorithm="HS256")


def main():
    sso, redshift, oidc = client("sso-admin"), client("redshift"), client("sso-oidc")
    issuer = issuers(sso)
    applications(sso)
    grants(sso, issuer)
    redshift_applications(redshift, sso, issuer)
    exchange(oidc)
    # An older boto3 does not know the operation.
    sts = client("sts")
    if hasattr(sts, "get_web_identity_token"):
        outbound(sts)
    sso.delete_trusted_token_issuer(TrustedTokenIssuerArn=issuer)
    print("boto3 agrees")


main()
