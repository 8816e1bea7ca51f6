//! `check --base`: what blocks a repository, before it is merged.

use serde_json::Value;

use super::repository::{NOW, Repository, check_in, request};

const TODAY: &str = "2026-11-23T09:00:00Z";
const BASE: [&str; 4] = ["-f", "resets", "--base", "main"];

/// A repository with one request of today.
fn repository() -> Repository {
    Repository::with(&[("resets/a.yaml", &request("a", "F9AAAAAA", TODAY, ""))])
}

#[test]
fn an_edited_spec_is_refused_with_the_field_and_what_to_do() {
    let repository = repository();
    repository.write("resets/a.yaml", &request("a", "F9BBBBBB", TODAY, ""));
    let said = "resets/a.yaml:8: spec.device.serialNumber is another than in main (resets/a.yaml:8), and the API server will refuse that: \
                spec is immutable: create a new PasscodeReset with a new name for a new reset, or delete this one to cancel it. Here: take \
                this change back, and add a new file for a new reset";
    assert_eq!(repository.found(&BASE), (Some(1), vec![said.to_owned()]));
    // The same text for the same time is another value to the API server.
    repository.write("resets/a.yaml", &request("a", "F9AAAAAA", "2026-11-23T10:00:00+01:00", ""));
    let (code, found) = repository.found(&BASE);
    assert!(
        code == Some(1) && found[0].starts_with("resets/a.yaml:9: spec.requestTime is another than in main"),
        "{found:?}"
    );
}

#[test]
fn what_changes_no_spec_is_no_edit() {
    let repository = repository();
    let other_words = request("a", "F9AAAAAA", TODAY, "  action: UnlockDevice # the default\n");
    repository.write("resets/a.yaml", &other_words.replace("namespace", "labels: {a: b}\n  namespace"));
    assert_eq!(repository.found(&BASE), (Some(0), vec![]));
    // A file may have another name and lie elsewhere.
    repository.remove("resets/a.yaml");
    repository.write("resets/2026/b.yml", &request("a", "F9AAAAAA", TODAY, ""));
    assert_eq!(repository.found(&BASE), (Some(0), vec![]));
    // What is finished may go.
    repository.remove("resets/2026/b.yml");
    repository.write("resets/c.yaml", &request("c", "F9CCCCCC", TODAY, ""));
    assert_eq!(repository.found(&BASE), (Some(0), vec![]));
}

#[test]
fn a_request_under_another_name_or_namespace_is_a_new_one() {
    let of_namespace = request("a", "F9AAAAAA", TODAY, "").replace("desk", "shop");
    for (changed, line) in [(request("b", "f9aaaaaa", TODAY, ""), 4), (of_namespace, 4)] {
        let repository = repository();
        repository.remove("resets/a.yaml");
        repository.write("resets/b.yaml", &changed);
        let (code, found) = repository.found(&BASE);
        let wanted =
            format!("resets/b.yaml:{line}: this is desk/a of main (resets/a.yaml:1) under another name or namespace");
        assert!(code == Some(1) && found.len() == 1 && found[0].starts_with(&wanted), "{found:?}");
    }
}

#[test]
fn the_times_of_a_new_request() {
    for (time, more, said) in [
        ("2026-11-20T09:00:00Z", "", Some("9: it could be sent until 2026-11-21T09:00:00Z (requestTime and")),
        (
            TODAY,
            "  expirationTime: 2026-11-23T11:00:00Z\n",
            Some("10: it could be sent until 2026-11-23T11:00:00Z, which is past"),
        ),
        ("2025-11-23T09:00:00Z", "", Some("9: it could be sent until 2025-11-24T09:00:00Z (requestTime and")),
        ("2027-01-23T09:00:00Z", "", Some("9: requestTime 2027-01-23T09:00:00Z is more than 30 days ahead")),
        ("2027-11-24T09:00:00Z", "", Some("9: requestTime 2027-11-24T09:00:00Z is more than 30 days ahead")),
        ("2026-12-20T09:00:00Z", "", None),
        ("2026-11-20T09:00:00Z", "  expirationTime: 2026-11-24T09:00:00Z\n", None),
    ] {
        let repository = repository();
        repository.write("resets/b.yaml", &request("b", "F9BBBBBB", time, more));
        let (code, found) = repository.found(&BASE);
        let wanted = said.map(|said| format!("resets/b.yaml:{said}"));
        assert_eq!(code, Some(i32::from(said.is_some())), "{time}: {found:?}");
        assert_eq!(found.len(), wanted.iter().len(), "{time}: {found:?}");
        assert!(wanted.is_none_or(|wanted| found[0].starts_with(&wanted)), "{time}: {found:?}");
        let typing_mistake = found.iter().any(|line| line.contains("was the year 2026 meant?"));
        assert_eq!(typing_mistake, time.starts_with("2025-11") || time.starts_with("2027-11"), "{time}: {found:?}");
    }
}

/// A tenant gives more time than a day, and says so among the files.
#[test]
fn a_tenant_among_the_files_gives_its_own_time() {
    let tenant = "apiVersion: passcode-operator.dev/v1alpha1\nkind: IntuneTenant\nmetadata: {name: default}\nspec:\n  \
                  tenantId: 705c034c-034c-705c-4c03-5c704c035c70\n  clientId: 705c034c-034c-705c-4c03-5c704c035c70\n  \
                  auth: {clientSecretRef: {name: secret}}\n  allowedNamespaces: {matchLabels: {team: desk}}\n  defaults: {issueWindow: 168h}\n";
    let repository = Repository::with(&[("tenant.yaml", tenant)]);
    repository.write("resets/b.yaml", &request("b", "F9BBBBBB", "2026-11-20T09:00:00Z", ""));
    assert_eq!(repository.found(&["-f", "resets", "tenant.yaml", "--base", "main"]), (Some(0), vec![]));
    assert_eq!(repository.found(&BASE).0, Some(1));
}

#[test]
fn two_requests_for_one_device_at_the_same_time() {
    let one = request("b", "f9aaaaaa", TODAY, "");
    for (second, said) in [
        (one.clone(), true),
        // Afterwards, for another device, in another tenant, and where nothing is sent.
        (request("b", "F9AAAAAA", "2026-11-25T09:00:00Z", ""), false),
        (request("b", "F9BBBBBB", TODAY, ""), false),
        (request("b", "F9AAAAAA", TODAY, "  tenantRef: {name: other}\n"), false),
        (request("b", "F9AAAAAA", TODAY, "  dryRun: true\n"), false),
        (one.replace("serialNumber: f9aaaaaa", "userPrincipalName: f9aaaaaa@b"), false),
    ] {
        let repository = repository();
        repository.write("resets/0.yaml", &second);
        let (code, found) = repository.found(&BASE);
        assert_eq!((code, found.len()), (Some(i32::from(said)), usize::from(said)), "{second}: {found:?}");
        let wanted = "resets/0.yaml:8: spec.device.serialNumber is also that of desk/a (resets/a.yaml:8), which may be sent until \
                      2026-11-24T09:00:00Z";
        assert!(!said || found[0].starts_with(wanted), "{found:?}");
    }
    // Both are new: the second one is told.
    let repository = Repository::with(&[]);
    repository.write("resets/a.yaml", &format!("{}---\n{one}", request("a", "F9AAAAAA", TODAY, "")));
    let (_, found) = repository.found(&BASE);
    assert!(
        found.len() == 1 && found[0].starts_with("resets/a.yaml:18: spec.device.serialNumber is also that of desk/a"),
        "{found:?}"
    );
}

/// Whoever adds a file is not made to mend what others left.
#[test]
fn what_is_as_before_is_passed_over() {
    let old = request("old", "F9OOOOOO", "2024-01-01T09:00:00Z", "");
    let twice = request("twice", "F9TTTTTT", TODAY, "");
    let repository = Repository::with(&[
        ("resets/old.yaml", &format!("{old}---\nkind: [\n")),
        (
            "resets/broken.yaml",
            "apiVersion: passcode-operator.dev/v1alpha1\nkind: PasscodeReset\nmetadata: {name: x}\nspec: {}\n",
        ),
        ("resets/one.yaml", &twice),
        ("resets/two.yaml", &twice),
        ("resets/three.yaml", &request("three", "F9TTTTTT", TODAY, "")),
    ]);
    let passed = "resets: documents as in main, passed over: 6\n".to_owned();
    assert_eq!(repository.check(&BASE), (Some(0), passed));
    assert_eq!(check_in(repository.path(), &["-f", "resets"], None).status.code(), Some(1));
    // A file that gets one more document is judged for that one.
    repository.write(
        "resets/old.yaml",
        &format!("{old}---\nkind: [\n---\n{}", request("new", "F9NNNNNN", TODAY, "  dryrun: true\n")),
    );
    let (code, found) = repository.found(&BASE);
    let wanted = "resets/old.yaml:document 3: spec.dryrun: there is no such field: did you mean dryRun?";
    assert_eq!((code, found), (Some(1), vec![wanted.to_owned()]));
    // And what is written a second time is told where it is new.
    repository.write("resets/old.yaml", &old);
    repository.write("resets/0.yaml", &request("old", "F9OOOOOO", TODAY, ""));
    let (code, found) = repository.found(&BASE);
    assert!(
        code == Some(1) && found[0].starts_with("resets/0.yaml:document 1: PasscodeReset desk/old is written twice"),
        "{found:?}"
    );
}

#[test]
fn paths_are_those_of_the_command_line() {
    let repository = repository();
    repository.write("resets/a.yaml", &request("a", "F9BBBBBB", TODAY, ""));
    repository.write("other/x", "");
    let whole = repository.path().join("resets").display().to_string();
    for (directory, named, place) in [
        (".", "resets/", "resets/a.yaml:8"),
        (".", "./resets/a.yaml", "./resets/a.yaml:8"),
        ("resets", "a.yaml", "a.yaml:8"),
        ("other", "../resets", "../resets/a.yaml:8"),
        ("other", &whole, &format!("{whole}/a.yaml:8")),
    ] {
        let arguments = ["-f", named, "--base", "main", "--now", NOW];
        let output = check_in(&repository.path().join(directory), &arguments, None);
        let printed = String::from_utf8(output.stdout).unwrap();
        let wanted = format!("\n{place}: spec.device.serialNumber is another than in main ({place})");
        assert!(output.status.code() == Some(1) && format!("\n{printed}").contains(&wanted), "{named}: {printed}");
    }
}

#[test]
fn where_nothing_can_be_compared_it_says_why_and_ends_with_2() {
    let repository = repository();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("a.yaml"), request("a", "F9AAAAAA", TODAY, "")).unwrap();
    let empty = tempfile::tempdir().unwrap();
    for (directory, arguments, programs, said) in [
        (
            repository.path(),
            vec!["-f", "resets", "--base", "nowhere"],
            None,
            "--base: there is no revision nowhere in the repository of resets. Fetch it first",
        ),
        (repository.path(), vec!["-f", "resets", "--base=--help"], None, "--base: \"--help\" is no revision"),
        (repository.path(), vec!["-f", "-", "--base", "main"], None, "it cannot do so with standard input"),
        (
            repository.path(),
            vec!["-f", "resets", "--base", "main"],
            Some(empty.path()),
            "--base needs the program git, which is not installed here",
        ),
        (
            outside.path(),
            vec!["-f", "a.yaml", "--base", "main"],
            None,
            "--base: git cannot read the repository of .: fatal: not a git repository",
        ),
    ] {
        let output = check_in(directory, &arguments, programs);
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && printed.contains(said), "{arguments:?}: {printed}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// Pipelines read this: what is in it stays as it is.
#[test]
fn json_has_file_line_severity_rule_message_and_object() {
    let repository = repository();
    repository
        .write("resets/b.yaml", &format!("# ours\n---\n{}", request("b", "F9BBBBBB", "2026-11-20T09:00:00Z", "")));
    let (code, printed) = repository.check(&[&BASE[..], &["-o", "json"]].concat());
    let message = "it could be sent until 2026-11-21T09:00:00Z (requestTime and the time that the tenant gives, 24h if it says nothing else), \
                   which is past: nothing would be sent, and it would end Expired. Write the requestTime of today, or leave the file out";
    let wanted = serde_json::json!({"version": 1, "exitCode": 1, "findings": [
        {"severity": "note", "rule": "valid-object", "message": "PasscodeReset b is valid", "place": "resets/b.yaml:document 1",
            "file": "resets/b.yaml", "line": 3, "object": "PasscodeReset desk/b"},
        {"severity": "note", "rule": "skipped", "message": "documents as in main, passed over: 1", "place": "resets", "file": "resets"},
        {"severity": "error", "rule": "expired-request", "message": message, "place": "resets/b.yaml:11", "file": "resets/b.yaml", "line": 11,
            "object": "PasscodeReset desk/b"},
    ]});
    assert_eq!((code, serde_json::from_str::<Value>(&printed).unwrap()), (Some(1), wanted));
}
