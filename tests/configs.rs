//! A corpus of configuration files: the good ones are read, each bad one yields exactly the message beside it.
//!
//! The message of `bad/NAME.yaml` stands in `bad/NAME.txt`. To write it after adding a file, run the test with
//! UPDATE_MESSAGES=1, and read what was written.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are not seen as tests")]

use std::path::{Path, PathBuf};

use pilothouse::config::{Base, Config, parse};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(file: &Path) -> Result<Config, String> {
    let text = std::fs::read_to_string(file).unwrap();
    parse(Path::new(file.file_name().unwrap()), &text, &Base::default()).map_err(|problems| {
        assert_eq!(problems.exit_code(), 2);
        problems.to_string()
    })
}

#[test]
fn good_files_are_read() {
    for file in files("good") {
        read(&file).unwrap_or_else(|problems| panic!("{}:\n{problems}", file.display()));
    }
}

#[test]
fn bad_files_yield_their_messages() {
    let update = std::env::var_os("UPDATE_MESSAGES").is_some();
    let mut wrong = String::new();
    for file in files("bad") {
        let told = match read(&file) {
            Ok(config) => format!("was read: {config:?}"),
            Err(problems) => problems + "\n",
        };
        let beside = file.with_extension("txt");
        if update {
            std::fs::write(&beside, &told).unwrap();
        }
        let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
        if told != wanted {
            wrong.push_str(&format!("{}: wanted\n{wanted}but told\n{told}\n", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every message says where and how to mend.
#[test]
fn messages_have_a_place_and_a_mend() {
    for file in files("bad") {
        let told = read(&file).unwrap_err();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        for problem in told.split(&format!("{name}:")).skip(1) {
            assert!(problem.starts_with(|c: char| c.is_ascii_digit()), "{name} has no line: {told}");
            assert!(problem.contains("\n  mend: "), "{name} has no mend: {told}");
        }
    }
}

/// What the reader with lines and the ordinary serde reader make of the good files must be the same documents.
#[test]
fn both_yaml_readers_agree_on_the_shape() {
    for file in files("good") {
        let text = std::fs::read_to_string(&file).unwrap();
        let by_serde: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        let stages = by_serde.get("stages").and_then(serde_yaml::Value::as_sequence).map_or(0, Vec::len);
        assert_eq!(read(&file).unwrap().stages.len(), stages, "{}", file.display());
    }
}
