//! The users on which a mapping is tried.

use crate::subject::Subject;

/// A sample user.
pub(crate) struct Sample {
    /// What is said of users like this one.
    pub(crate) who: &'static str,
    /// Whether it has everything that the console can send.
    pub(crate) is_complete: bool,
    json: &'static str,
}

impl Sample {
    pub(crate) fn user(&self) -> Subject<'static> {
        Subject::new(self.json).expect("the samples are JSON objects")
    }
}

/// From the fullest to the emptiest.
pub(crate) const SAMPLES: &[Sample] = &[
    Sample {
        who: "a user with everything",
        is_complete: true,
        json: r#"{
            "id": "1246532189745612389", "email": "ana.lopez@example.com",
            "fullName": "Ana María López", "scope": "account",
            "scopeRoles": [{"id": "880011223344556677", "name": "Example", "accountName": "Example",
                            "roleId": "1", "roleName": "Admin", "roles": ["Admin"]}],
            "siteRoles": [{"id": "880011223344556678", "name": "Cork", "accountName": "Example",
                           "roleId": "1", "roleName": "Admin", "roles": ["Admin"]}],
            "tenantRoles": [{"id": "880011223344556679", "name": "Global", "accountName": "Example",
                             "roleId": "1", "roleName": "Admin", "roles": ["Admin"]}],
            "lowestRole": "Admin", "source": "mgmt",
            "firstLogin": "2024-02-03T04:05:06.257525Z", "lastLogin": "2026-11-20T08:30:20Z",
            "dateJoined": "2024-02-01T09:00:00", "emailVerified": true, "emailReadOnly": false,
            "fullNameReadOnly": false, "groupsReadOnly": false, "twoFaEnabled": true,
            "twoFaEnabledReadOnly": false, "twoFaConfigured": true, "twoFaStatus": "configured",
            "primaryTwoFaMethod": "application",
            "apiToken": {"createdAt": "2026-06-01T00:00:00Z", "expiresAt": "2026-12-01T00:00:00Z"},
            "canGenerateApiToken": true, "isSystem": false, "agreedEula": true,
            "allowRemoteShell": false, "agreementUrl": "https://example.com/eula",
            "globalUserId": "1246532189745612390", "globalOrganizationId": "1246532189745612391"
        }"#,
    },
    Sample {
        who: "a user with several roles and a name in another script",
        is_complete: false,
        json: r#"{
            "id": "1246532189745612400", "email": "miyuki@example.jp", "fullName": "宮崎 みゆき",
            "scope": "site", "lowestRole": "Viewer", "source": "sso_saml",
            "scopeRoles": [
                {"id": "880011223344556701", "name": "大阪", "accountName": "Example",
                 "roleId": "2", "roleName": "Viewer", "roles": ["Viewer"]},
                {"id": "880011223344556702", "name": "東京", "accountName": "Example",
                 "roleId": "3", "roleName": null, "roles": []}
            ],
            "lastLogin": "2026-11-20T08:30:20Z", "emailVerified": true, "isSystem": false,
            "twoFaEnabled": false, "twoFaConfigured": false, "twoFaStatus": "not_configured",
            "primaryTwoFaMethod": null, "apiToken": null
        }"#,
    },
    Sample {
        who: "a user whose fields are all null",
        is_complete: false,
        json: r#"{
            "id": null, "email": null, "fullName": null, "scope": "tenant", "scopeRoles": null,
            "siteRoles": null, "tenantRoles": null, "lowestRole": null, "source": null,
            "firstLogin": null, "lastLogin": null, "dateJoined": null, "emailVerified": null,
            "emailReadOnly": null, "fullNameReadOnly": null, "groupsReadOnly": null,
            "twoFaEnabled": null, "twoFaEnabledReadOnly": null, "twoFaConfigured": null,
            "twoFaStatus": null, "primaryTwoFaMethod": null, "apiToken": null,
            "canGenerateApiToken": null, "isSystem": null, "agreedEula": null,
            "allowRemoteShell": null, "agreementUrl": null, "globalUserId": null,
            "globalOrganizationId": null
        }"#,
    },
    Sample {
        who: "a user with an id and a scope only",
        is_complete: false,
        json: r#"{"id": "1246532189745612401", "scope": "tenant"}"#,
    },
];
