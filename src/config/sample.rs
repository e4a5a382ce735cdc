//! The configuration that `pilothouse config init` writes: what was inferred, as a file to go on from.
//!
//! It takes plain names and gives text; the text reads back to the same names (tested). The settings below the
//! stages are the sample file's own, each commented out with its default.

use crate::text::clean;
use crate::yaml::scalar;

/// The commented sample with every setting: prose after `# `, examples after `# |`, settings with their defaults
/// after a bare `#`.
pub const SAMPLE: &str = include_str!("../../assets/config.sample.yaml");

/// The line of the sample from which on `config init` copies it.
const SETTINGS: &str = "# ---- Settings";

/// A stage as inferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferredStage {
    /// Its name.
    pub name: String,
    /// Its environments, one or several peers.
    pub environments: Vec<InferredEnvironment>,
}

/// An environment as inferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferredEnvironment {
    /// Its name.
    pub name: String,
    /// Its context.
    pub context: String,
    /// Its namespaces.
    pub namespaces: Vec<String>,
    /// Whether changes want its name typed.
    pub protected: bool,
    /// What is known besides, for a comment: provider, version. Not read back.
    pub note: Option<String>,
}

/// A whole configuration file for these stages.
#[must_use]
pub fn write(stages: &[InferredStage]) -> String {
    let mut out = String::from(
        "# Pilothouse: what was inferred from contexts and namespaces. Correct it where it is wrong;\n\
         # `pilothouse config check` says whether the file is well. Stages stand in promotion order. Lines after\n\
         # a bare # are settings with their defaults: take the # away to change them.\n\n",
    );
    if stages.is_empty() {
        out.push_str(
            "# No stage was recognised: no context or namespace says dev, staging or prod.\nstages: []\n",
        );
    } else {
        out.push_str("stages:\n");
    }
    for stage in stages {
        out.push_str(&format!("  - name: {}\n", scalar(&stage.name)));
        match stage.environments.as_slice() {
            [only] if only.name == stage.name => write_fields(&mut out, "    ", only),
            peers => {
                out.push_str("    environments:\n");
                for peer in peers {
                    out.push_str(&format!("      - name: {}\n", scalar(&peer.name)));
                    write_fields(&mut out, "        ", peer);
                }
            }
        }
    }
    let settings = SAMPLE.find(SETTINGS).map_or("", |at| &SAMPLE[at..]);
    out.push('\n');
    out.push_str(settings);
    out
}

fn write_fields(out: &mut String, indent: &str, env: &InferredEnvironment) {
    if let Some(note) = &env.note {
        out.push_str(&format!("{indent}# {}\n", clean(note)));
    }
    out.push_str(&format!("{indent}context: {}\n", scalar(&env.context)));
    let namespaces: Vec<_> = env.namespaces.iter().map(|n| scalar(n)).collect();
    if !namespaces.is_empty() {
        out.push_str(&format!("{indent}namespaces: [{}]\n", namespaces.join(", ")));
    }
    out.push_str(&format!("{indent}protected: {}\n", env.protected));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Base, Config, parse};
    use crate::yaml;
    use proptest::prelude::*;

    fn read(text: &str) -> Config {
        parse("sample".as_ref(), text, &Base::default()).unwrap_or_else(|p| panic!("{p}\n{text}"))
    }

    fn back(config: &Config) -> Vec<InferredStage> {
        let env = |e: &crate::config::Environment| InferredEnvironment {
            name: e.name.clone(),
            context: e.context.clone().unwrap(),
            namespaces: e.namespaces.clone(),
            protected: e.protected.unwrap(),
            note: None,
        };
        let stage = |s: &crate::config::Stage| InferredStage {
            name: s.name.clone(),
            environments: s.environments.iter().map(env).collect(),
        };
        config.stages.iter().map(stage).collect()
    }

    fn env(name: &str, context: &str, namespaces: &[&str], protected: bool) -> InferredEnvironment {
        InferredEnvironment {
            name: name.into(),
            context: context.into(),
            namespaces: namespaces.iter().map(|n| (*n).to_owned()).collect(),
            protected,
            note: Some("k3s 1.36, 3 nodes\n- name: trap".into()),
        }
    }

    fn platform() -> Vec<InferredStage> {
        let stage = |name: &str, environments| InferredStage { name: name.into(), environments };
        vec![
            stage("development", vec![env("development", "k3s-edge", &["shop-dev"], false)]),
            stage("staging", vec![env("staging", "k3s-edge", &["shop-staging", "no"], false)]),
            stage(
                "production",
                vec![
                    env("production-gke", "gke_p_eu_main", &["shop-prod"], true),
                    env("production-aks", "admin@aks", &["1.10"], true),
                ],
            ),
        ]
    }

    fn without_notes(mut stages: Vec<InferredStage>) -> Vec<InferredStage> {
        stages.iter_mut().flat_map(|s| &mut s.environments).for_each(|e| e.note = None);
        stages
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = write(&platform());
        assert_eq!(back(&read(&text)), without_notes(platform()));
        assert_eq!(read(&write(&[])), Config::default());
        insta::assert_snapshot!(text);
    }

    proptest! {
        #[test]
        fn any_names_read_back(names in prop::collection::hash_set("[^\\x00-\\x1f]{1,12}", 4..8), protected: bool) {
            let names: Vec<String> = names.into_iter().map(|n| crate::text::clean(&n).into_owned()).collect();
            let mut unique = names.clone();
            unique.sort();
            unique.dedup();
            prop_assume!(unique.len() == names.len());
            let stages = vec![InferredStage {
                name: names[0].clone(),
                environments: vec![InferredEnvironment {
                    name: names[1].clone(),
                    context: names[2].clone(),
                    namespaces: names[3..].to_vec(),
                    protected,
                    note: Some(names.concat()),
                }],
            }];
            prop_assert_eq!(back(&read(&write(&stages))), without_notes(stages));
        }
    }

    /// Takes the bare `#` from settings, or the `# |` from examples.
    fn uncomment(prefix: &str) -> String {
        let bare = |line: &str| line.starts_with(char::is_alphabetic) || line.starts_with("  ");
        let lines = SAMPLE.lines().filter_map(|line| line.strip_prefix(prefix));
        let mut text = String::new();
        for line in lines.filter(|line| prefix != "#" || bare(line)) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_sample_shows_the_defaults() {
        assert_eq!(read(SAMPLE), Config::default(), "as it is, all comments");
        let settings = uncomment("#");
        assert!(settings.contains("readOnly: false") && settings.contains("theme: auto"), "{settings}");
        assert_eq!(read(&settings), Config::default(), "with every setting uncommented");
    }

    #[test]
    fn the_examples_are_right_and_name_every_key() {
        let example = uncomment("# |");
        let config = read(&example);
        assert_eq!(config.stages.len(), 3);
        let node = yaml::parse("sample".as_ref(), &(example.clone() + &uncomment("#"))).unwrap();
        let found = yaml::Found::new("sample".as_ref());
        let _ = crate::config::raw::RawConfig::read(&found.root(&node));
        let known = found.known_keys();
        assert!(known.len() > 40, "{known:?}");
        for key in known {
            assert!(SAMPLE.contains(&format!("{key}:")), "the sample does not show `{key}`");
        }
    }
}
