//! `scripts/deploy` of a service, run with a recording stand-in for kubectl: no API server can be had here.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Answers as the API server would: the objects of an applied selector, conditions of the Job, the rollout.
const KUBECTL: &str = r#"#!/usr/bin/env bash
echo "$*" >>"$RECORD"
case "$*" in
    *=migrate\ --output\ name) echo job.batch/migrate-0.1.0 ;;
    *=serve\ --output\ name) echo deployment.apps/demo ;;
    *\ get\ job.batch/*)
        # Not at once.
        [[ $(grep --count ' get ' "$RECORD") -lt 2 ]] || echo "$JOB"
        ;;
    *rollout\ status*) exit "$ROLLOUT" ;;
esac
"#;

fn deploy(job: &str, rollout: u8) -> (Output, Vec<String>) {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/full");
    let house = TempDir::new().unwrap();
    let overlay = "deploy/k8s/overlays/staging";
    for folder in ["bin", "scripts", overlay] {
        fs::create_dir_all(house.path().join(folder)).unwrap();
    }
    for file in ["scripts/deploy", &format!("{overlay}/kustomization.yaml")] {
        fs::copy(snapshot.join(file), house.path().join(file)).unwrap();
    }
    let (kubectl, record) = (house.path().join("bin/kubectl"), house.path().join("record"));
    fs::write(&kubectl, KUBECTL).unwrap();
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", house.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut script = Command::new("bash");
    script.arg(house.path().join("scripts/deploy")).arg("staging");
    script.env("PATH", path).env("RECORD", &record).env("JOB", job).env("ROLLOUT", rollout.to_string());
    let output = script.output().unwrap();
    let calls = fs::read_to_string(record).unwrap().lines().map(str::to_owned).collect();
    (output, calls)
}

fn count(calls: &[String], part: &str) -> usize {
    calls.iter().filter(|call| call.contains(part)).count()
}

/// Whether a call applies the Deployment.
fn applies_all(call: &str) -> bool {
    call.starts_with("apply ") && (!call.contains("--selector") || call.contains("component=serve"))
}

#[test]
fn a_release_migrates_before_it_rolls_out() {
    let (output, calls) = deploy("SuccessCriteriaMet Complete", 0);
    assert!(output.status.success(), "{output:?}");
    let place = |part: &dyn Fn(&str) -> bool| calls.iter().position(|call| part(call)).unwrap();
    let migrated = place(&|call| call.contains(" get job.batch/migrate-0.1.0"));
    assert!(migrated < place(&applies_all), "{calls:#?}");
    assert_eq!(calls[0], "apply --kustomize deploy/k8s/overlays/staging --selector app.kubernetes.io/component!=serve");
    assert!(calls.iter().any(|call| call.contains("--namespace demo-staging rollout status deployment.apps/demo")));
    assert_eq!(count(&calls, "undo"), 0, "{calls:#?}");
}

#[test]
fn a_failed_migration_never_touches_the_deployment() {
    let (output, calls) = deploy("FailureTarget Failed", 0);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!calls.iter().any(|call| applies_all(call)), "{calls:#?}");
    assert_eq!(count(&calls, "rollout"), 0, "{calls:#?}");
    assert_eq!(count(&calls, " logs job.batch/migrate-0.1.0"), 1, "{calls:#?}");
}

#[test]
fn a_failed_rollout_is_undone_once() {
    let (output, calls) = deploy("Complete", 1);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(count(&calls, "--namespace demo-staging rollout undo deployment.apps/demo"), 1, "{calls:#?}");
    assert_eq!(count(&calls, "undo"), 1, "{calls:#?}");
}
