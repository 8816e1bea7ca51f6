//! Who may talk to the API server, and the keys that it starts with.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;
use uuid::Uuid;

use crate::files;

/// Somebody who can sign in to the API server. What they may do is up to the test's RBAC objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name that RBAC knows.
    pub name: String,
    /// The groups that RBAC knows, besides `system:authenticated`, in which everybody is.
    pub groups: Vec<String>,
}

impl User {
    /// A user with a name and groups.
    pub fn new<G: Into<String>>(name: impl Into<String>, groups: impl IntoIterator<Item = G>) -> Self {
        Self { name: name.into(), groups: groups.into_iter().map(Into::into).collect() }
    }

    /// Somebody whom RBAC takes for a service account, so that a test can run a program with exactly the rights of its deployment.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::new(
            format!("system:serviceaccount:{namespace}:{name}"),
            ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")],
        )
    }
}

/// The files that let the API server and its users trust each other. They stay the same over restarts.
pub(crate) struct Credentials {
    directory: PathBuf,
    users: Vec<String>,
}

impl Credentials {
    /// Writes keys, certificates, tokens and kubeconfigs for a server at `url` into a new directory.
    pub(crate) fn create(directory: PathBuf, url: &str, users: &[User]) -> Result<Self> {
        fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let mut all = vec![User::new("admin", ["system:masters"])];
        all.extend_from_slice(users);
        let credentials = Self { directory, users: all.iter().map(|user| user.name.clone()).collect() };
        let authority = credentials.write_certificates()?;
        credentials.write_service_account_key()?;
        let mut tokens = String::new();
        for (index, user) in all.iter().enumerate() {
            ensure!(!credentials.users[..index].contains(&user.name), "there are two users called {}", user.name);
            let token = Uuid::new_v4().to_string();
            tokens.push_str(&token_line(&token, user));
            files::write(&credentials.kubeconfig_path(index), kubeconfig(url, &authority, user, &token))?;
        }
        files::write(&credentials.token_file(), tokens)?;
        Ok(credentials)
    }

    /// The kubeconfig of the user who may do everything and is always the first.
    pub(crate) fn admin_kubeconfig(&self) -> PathBuf {
        self.kubeconfig_path(0)
    }

    /// The kubeconfig of a user.
    pub(crate) fn kubeconfig(&self, user: &str) -> Result<PathBuf> {
        let index = self
            .users
            .iter()
            .position(|name| name == user)
            .with_context(|| format!("{user} is not among the users that this control plane was started with"))?;
        Ok(self.kubeconfig_path(index))
    }

    /// Numbered, because names of users may hold any character.
    fn kubeconfig_path(&self, index: usize) -> PathBuf {
        self.directory.join(format!("user-{index}.kubeconfig"))
    }

    /// The tokens of all users.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.directory.join("tokens.csv")
    }

    /// The certificate that the API server shows.
    pub(crate) fn serving_certificate(&self) -> PathBuf {
        self.directory.join("serving.crt")
    }

    /// The key of [`Self::serving_certificate`].
    pub(crate) fn serving_key(&self) -> PathBuf {
        self.directory.join("serving.key")
    }

    /// The key that signs tokens of service accounts.
    pub(crate) fn service_account_key(&self) -> PathBuf {
        self.directory.join("service-account.key")
    }

    /// The public half of [`Self::service_account_key`].
    pub(crate) fn service_account_public_key(&self) -> PathBuf {
        self.directory.join("service-account.pub")
    }

    /// Writes the serving certificate and returns the one of the authority that signed it.
    fn write_certificates(&self) -> Result<String> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "control plane for tests");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let mut serving = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        serving.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        serving.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let certificate = serving.signed_by(&key, &authority)?;
        files::write(&self.serving_certificate(), certificate.pem())?;
        files::write(&self.serving_key(), key.serialize_pem())?;
        Ok(authority.pem())
    }

    fn write_service_account_key(&self) -> Result<()> {
        let key = KeyPair::generate()?;
        files::write(&self.service_account_key(), key.serialize_pem())?;
        files::write(&self.service_account_public_key(), key.public_key_pem())
    }
}

/// A line of the file for `--token-auth-file`: token, name, id, groups.
fn token_line(token: &str, user: &User) -> String {
    let name = quoted(&user.name);
    let groups = quoted(&user.groups.join(","));
    format!("{token},{name},{name},{groups}\n")
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

/// As JSON, which every reader of YAML takes.
fn kubeconfig(url: &str, authority: &str, user: &User, token: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "control-plane",
            "cluster": { "server": url, "certificate-authority-data": STANDARD.encode(authority) },
        }],
        "users": [{ "name": user.name, "user": { "token": token } }],
        "contexts": [{
            "name": "control-plane",
            "context": { "cluster": "control-plane", "user": user.name, "namespace": "default" },
        }],
        "current-context": "control-plane",
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_line_quotes_what_csv_would_split() {
        let user = User::new("o\"hara, jane", ["a", "b"]);
        assert_eq!(token_line("t", &user), "t,\"o\"\"hara, jane\",\"o\"\"hara, jane\",\"a,b\"\n");
    }

    #[test]
    fn only_users_named_at_the_start_have_a_kubeconfig_and_no_name_twice() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let create =
            |name: &str, users: &[User]| Credentials::create(directory.path().join(name), "https://127.0.0.1:1", users);
        let jane = User::service_account("phones", "operator");
        let credentials = create("one", std::slice::from_ref(&jane))?;
        assert!(credentials.kubeconfig(&jane.name)?.is_file());
        assert!(credentials.admin_kubeconfig().is_file());
        assert!(credentials.kubeconfig("bob").is_err());
        assert!(create("two", &[jane.clone(), jane]).is_err());
        Ok(())
    }
}
