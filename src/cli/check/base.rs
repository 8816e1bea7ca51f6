//! `--base`: what the working tree must not do to the manifests of a revision that may be in the cluster already.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    admission::{Checked, Kinds},
    documents::{self, Document},
    git,
    place::Place,
    report::Report,
    requests::{self, Request},
    rule::Rule,
    walk,
};
use crate::cli::Misuse;
use passcode_core::api::tenant::Defaults;

/// What a revision has.
pub(super) struct Base {
    revision: String,
    documents: HashSet<(String, String)>,
    objects: BTreeMap<String, Current>,
}

/// An object that is in order.
pub(super) struct Current {
    pub(super) document: Document,
    pub(super) checked: Checked,
    /// Whether the revision has the very same document in the same file.
    pub(super) unchanged: bool,
}

impl Current {
    fn value(&self) -> &Value {
        self.document.value.as_ref().unwrap_or(&Value::Null)
    }

    fn request(&self, defaults: &BTreeMap<String, Defaults>) -> Option<Request<'_>> {
        let Checked::Reset(reset) = &self.checked else { return None };
        let defaults = defaults.get(&reset.spec.tenant_ref.name).cloned().unwrap_or_default();
        let until = defaults.expiration(&reset.spec).0;
        Some(Request { document: &self.document, reset, until, unchanged: self.unchanged })
    }
}

impl Base {
    /// Reads the manifests that a revision has where these are.
    pub(super) fn read(revision: &str, files: &[String], kinds: &Kinds) -> Result<Self, Misuse> {
        if files.iter().any(|file| file == "-") {
            return Err(Misuse(
                "--base compares files with those of a revision: it cannot do so with standard input".to_owned(),
            ));
        }
        let mut base = Self { revision: revision.to_owned(), documents: HashSet::new(), objects: BTreeMap::new() };
        for named in files {
            for file in git::files(revision, named, walk::is_looked_at)? {
                base.take(&file, kinds);
            }
        }
        Ok(base)
    }

    fn take(&mut self, file: &git::Stored, kinds: &Kinds) {
        let path = file.path.display().to_string();
        // What nobody could read is no object of the cluster.
        let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
        for document in documents::split(&path, text).into_iter().flat_map(Document::unpack) {
            self.documents.insert(content(&document));
            // Neither is what the API server would have refused.
            let Some(checked) = document.value.as_ref().ok().and_then(|value| kinds.check(value).ok()) else {
                continue;
            };
            if let Some(identity) = checked.identity() {
                self.objects.insert(identity, Current { document, checked, unchanged: true });
            }
        }
    }

    /// Whether the revision has this very document in the same file.
    pub(super) fn has(&self, document: &Document) -> bool {
        self.documents.contains(&content(document))
    }

    /// Says that what is unchanged was not judged.
    pub(super) fn tell_unchanged(&self, named: &str, count: usize, report: &mut Report) {
        if count > 0 {
            let text = format!("documents as in {}, passed over: {count}", self.revision);
            report.note(&Place::file(named), Rule::Skipped, text);
        }
    }

    /// Says what must not be merged.
    pub(super) fn compare(&self, current: &[Current], kinds: &Kinds, now: Timestamp, report: &mut Report) {
        let defaults = defaults(current);
        let there: HashSet<String> = current.iter().filter_map(|object| object.checked.identity()).collect();
        let gone = self.objects.iter().filter(|(identity, _)| !there.contains(*identity));
        let gone: Vec<Request<'_>> = gone.filter_map(|(_, old)| old.request(&defaults)).collect();
        for object in current.iter().filter(|object| !object.unchanged) {
            match object.checked.identity().and_then(|identity| self.objects.get(&identity)) {
                Some(old) => self.edited(old, object, kinds, report),
                None => {
                    if let Some(request) = object.request(&defaults) {
                        requests::judge_new(&request, &gone, &self.revision, now, report);
                    }
                }
            }
        }
        let requests: Vec<_> = current.iter().filter_map(|object| object.request(&defaults)).collect();
        requests::judge_together(&requests, now, report);
    }

    fn edited(&self, old: &Current, new: &Current, kinds: &Kinds, report: &mut Report) {
        let Some(change) = kinds.change(old.value(), new.value()) else { return };
        let place = new.document.at(&change.path).by_line();
        let instead = match new.checked {
            Checked::Reset(_) => ". Here: take this change back, and add a new file for a new reset",
            _ => "",
        };
        let was = old.document.at(&change.path).by_line();
        let text = format!(
            "{} is another than in {} ({was}), and the API server will refuse that: {}{instead}",
            change.path, self.revision, change.message
        );
        report.refuse(&place, Rule::ImmutableField, text);
    }
}

/// What makes two documents the same: their file and what they say.
fn content(document: &Document) -> (String, String) {
    let says = match &document.value {
        Ok(value) => value.to_string(),
        Err(problem) => problem.clone(),
    };
    (document.place.file.clone(), says)
}

/// What tenants that are among the files make of a request without times of its own.
fn defaults(current: &[Current]) -> BTreeMap<String, Defaults> {
    let of_tenant = |object: &Current| match &object.checked {
        Checked::Tenant { name, defaults } => Some((name.clone(), defaults.clone())),
        _ => None,
    };
    current.iter().filter_map(of_tenant).collect()
}
