//! The template of the deployment with its intrinsic functions filled, as `tests/infra/template.py` reads it. For the
//! tests of more than one package.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

pub fn summary() -> Value {
    let setup = "tests/tools/setup";
    let project =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join(setup).exists());
    let project = project.unwrap();
    let output = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    output(&mut Command::new(project.join(setup)));
    let python = project.join("tests/tools/.venv/bin/python3");
    let reader = project.join("tests/infra/template.py");
    let summary = output(Command::new(python).arg(reader).arg("summary").arg(project));
    serde_json::from_slice(&summary).unwrap()
}
