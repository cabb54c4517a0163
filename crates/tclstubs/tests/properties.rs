//! Property tests of values in a running Tcl 8.6 and a running Tcl 9: starts both shells with `inside/run.tcl`, which
//! loads the library that `inside/lib.rs` becomes. It must not test anything itself.
//!
//! The shells are `TCLSH86` or `tclsh8.6`, and what `tools/tcl9.sh` finds or fetches. No process outlives the test: the
//! library ends its process when its standard input, which this test holds, is closed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

/// Far more than it takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// The library, which cargo builds with the tests.
///
/// # Panics
/// When it is missing or older than its sources: `cargo test --test properties` alone does not build it.
fn library() -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = std::env::current_exe().expect("the path of this test");
    let file = format!("{}inside{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = here.ancestors().nth(2).expect("a folder").join("examples").join(file);
    let changed = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let mut newest: Option<SystemTime> = changed(&home.join("../property.rs"));
    for folder in ["src", "src/sys", "tests/inside"] {
        for entry in std::fs::read_dir(home.join(folder)).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|kind| kind == "rs") {
                newest = newest.max(changed(&path));
            }
        }
    }
    assert!(
        changed(&library) >= newest,
        "{} is missing or old: run `cargo test -p tclstubs` (--release), or `cargo build --example inside` first",
        library.display()
    );
    library
}

fn run(shell: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inside/run.tcl");
    let mut child = Command::new(shell)
        .arg(script)
        .arg(library())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shell} does not start: {error}"));
    let mut output = child.stdout.take().expect("a pipe");
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = output.read_to_end(&mut text);
        let _ = done.send(text);
    });
    let text = ended.recv_timeout(LIMIT);
    if text.is_err() {
        let _ = child.kill();
    }
    // Waiting closes the child's standard input first.
    let status = child.wait().expect("the end of the shell");
    let text = text.unwrap_or_else(|_| panic!("{shell}: no end within {LIMIT:?}"));
    let text = String::from_utf8_lossy(&text);
    println!("{text}");
    assert!(
        status.success() && text.lines().any(|line| line.starts_with("ok ")),
        "{shell}: {status}"
    );
}

#[test]
fn hold_in_tcl_8_6() {
    run(&std::env::var("TCLSH86").unwrap_or_else(|_| "tclsh8.6".to_string()));
}

#[test]
fn hold_in_tcl_9() {
    let finder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/tcl9.sh");
    let found = Command::new(finder)
        .stderr(Stdio::inherit())
        .output()
        .expect("tools/tcl9.sh");
    assert!(found.status.success(), "there is no Tcl 9 to test with");
    run(String::from_utf8_lossy(&found.stdout).trim());
}
