//! The language of journeys: text in, steps out.

use std::time::Duration;

use pilothouse::demo::Fault;
use pilothouse::keymap::{Key, Keys};

use super::person::Wanted;

/// What stands before the first key.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// Seconds into the demo's story; time then stands still but for `advance`.
    pub at: Duration,
    pub seed: u64,
    pub size: (u16, u16),
    /// As the user who may read shop-prod and shop-staging alone.
    pub restricted: bool,
    pub read_only: bool,
    /// Connect the current context alone.
    pub current_only: bool,
    pub ascii: bool,
    /// Seconds for which a switch is watched.
    pub guard: Option<u64>,
    /// A fault that is there from the beginning.
    pub faults: Vec<(String, Fault)>,
    /// Why only the demo can judge it, if so.
    pub demo_only: Option<String>,
}

impl Default for Opening {
    fn default() -> Opening {
        Opening {
            at: Duration::ZERO,
            seed: 1,
            size: (120, 40),
            restricted: false,
            read_only: false,
            current_only: false,
            ascii: false,
            guard: None,
            faults: Vec::new(),
            demo_only: None,
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Press(Vec<Key>),
    Type(Vec<Key>),
    Size(u16, u16),
    Advance(Duration),
    Fault(String, Option<Fault>),
    /// A Deployment is to have so many pods.
    Scale {
        cluster: String,
        ns: String,
        name: String,
        replicas: u32,
    },
    /// A Deployment is to run another version of its image.
    Release {
        cluster: String,
        ns: String,
        name: String,
        version: String,
    },
    /// A text is pasted.
    Paste(String),
    See(Wanted),
    Not(Wanted),
    /// The cursor of the focused pane is on the object of that name.
    Cursor(String),
    /// Copied to the person's clipboard.
    Copied(String),
    /// The terminal would be handed to a shell.
    Shell,
    /// The program would end.
    Quits,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub opening: Opening,
    /// With the number of their lines.
    pub steps: Vec<(usize, Step)>,
}

impl Script {
    pub fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script { opening: Opening::default(), steps: Vec::new() };
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            script.line(at + 1, line).map_err(|what| format!("line {}: {what}: {line}", at + 1))?;
        }
        if script.steps.is_empty() {
            return Err("nothing happens".to_owned());
        }
        Ok(script)
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        if self.steps.is_empty() && self.opening_line(verb, rest)? {
            return Ok(());
        }
        let step = match verb {
            "press" => Step::Press(Keys::parse(rest).map_err(|(what, _)| what)?.0),
            "paste" => Step::Paste(rest.to_owned()),
            "type" => {
                let key = |char: char| Key::parse(&char.to_string().replace(' ', "space"));
                let keys: Result<_, _> = rest.chars().map(key).collect();
                Step::Type(keys.map_err(|(what, _)| what)?)
            }
            "size" => {
                let (columns, rows) = size(rest)?;
                Step::Size(columns, rows)
            }
            "advance" => Step::Advance(seconds(rest)?),
            "fault" => {
                let (cluster, fault) = fault(rest)?;
                Step::Fault(cluster, fault)
            }
            "scale" => {
                let (cluster, ns, name, replicas) = target(rest)?;
                Step::Scale {
                    cluster,
                    ns,
                    name,
                    replicas: replicas.parse().map_err(|_| "no number of pods")?,
                }
            }
            "release" => {
                let (cluster, ns, name, version) = target(rest)?;
                Step::Release { cluster, ns, name, version }
            }
            "see" => Step::See(Wanted::Text(one(rest)?)),
            "not" => Step::Not(Wanted::Text(one(rest)?)),
            "cursor" => Step::Cursor(one(rest)?),
            "copied" => Step::Copied(one(rest)?),
            "title" if rest.ends_with("\" has a number") => {
                Step::See(Wanted::Number(one(rest.trim_end_matches(" has a number"))?))
            }
            "row" | "title" => {
                let texts = quoted(rest)?;
                let (Some(first), Some(second)) = (texts.first().cloned(), texts.get(1).cloned()) else {
                    return Err("it wants two texts".to_owned());
                };
                let wanted =
                    if verb == "row" { Wanted::Row(first, second) } else { Wanted::Title(first, second) };
                if rest.contains("\" has \"") {
                    Step::See(wanted)
                } else if rest.contains("\" lacks \"") {
                    Step::Not(wanted)
                } else {
                    return Err("it wants `has` or `lacks`".to_owned());
                }
            }
            "shell" => Step::Shell,
            "quits" => Step::Quits,
            _ => return Err("nothing begins so".to_owned()),
        };
        self.steps.push((number, step));
        Ok(())
    }

    /// Takes a line that says how a journey begins; false when it is none.
    fn opening_line(&mut self, verb: &str, rest: &str) -> Result<bool, String> {
        let opening = &mut self.opening;
        match verb {
            "demo" => {
                let mut words = rest.split_whitespace();
                while let Some(word) = words.next() {
                    let value = words.next().ok_or("a number is missing")?;
                    match word {
                        "at" => opening.at = seconds(value)?,
                        "seed" => opening.seed = value.parse().map_err(|_| "no number")?,
                        _ => return Err("demo takes `at` and `seed`".to_owned()),
                    }
                }
            }
            "size" => opening.size = size(rest)?,
            "judge" => {
                let why = rest.strip_prefix("demo:").map(str::trim).filter(|why| !why.is_empty());
                opening.demo_only = Some(why.ok_or("it is written `judge demo: WHY`")?.to_owned());
            }
            "user" if rest == "restricted" => opening.restricted = true,
            "read-only" => opening.read_only = true,
            "ascii" => opening.ascii = true,
            "guard" => opening.guard = Some(seconds(rest)?.as_secs()),
            "connect" if rest == "current" => opening.current_only = true,
            "fault" => {
                let (cluster, fault) = fault(rest)?;
                opening.faults.push((cluster, fault.ok_or("there is no fault to end yet")?));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// `CLUSTER NAMESPACE/NAME WHAT`.
fn target(text: &str) -> Result<(String, String, String, String), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let form = "it is written CLUSTER NAMESPACE/NAME and what is to be";
    let [cluster, place, what] = words[..] else { return Err(form.to_owned()) };
    let (ns, name) = place.split_once('/').ok_or(form)?;
    Ok((cluster.to_owned(), ns.to_owned(), name.to_owned(), what.to_owned()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "no number of seconds".to_owned())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parsed = text.split_once('x').and_then(|(c, r)| Some((c.parse().ok()?, r.parse().ok()?)));
    parsed.ok_or_else(|| "a size is written 120x40".to_owned())
}

fn fault(text: &str) -> Result<(String, Option<Fault>), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let fault = match words[..] {
        [_, "over"] => None,
        [_, "down"] => Some(Fault::Down),
        [_, "hang"] => Some(Fault::Hang),
        [_, "unauthorized"] => Some(Fault::Unauthorized),
        [_, "gone"] => Some(Fault::Gone),
        [_, "cut-watches"] => Some(Fault::CutWatches),
        [_, "no-watch-list"] => Some(Fault::NoWatchList),
        [_, "forbidden", resource] => Some(Fault::Forbidden { resource: resource.to_owned() }),
        [_, "status", code] => Some(Fault::Status(code.parse().map_err(|_| "no code")?)),
        _ => return Err("there is no such fault".to_owned()),
    };
    Ok((words[0].to_owned(), fault))
}

fn one(text: &str) -> Result<String, String> {
    match quoted(text)?.as_slice() {
        [one] => Ok(one.clone()),
        _ => Err("it wants one text in quotes".to_owned()),
    }
}

fn quoted(text: &str) -> Result<Vec<String>, String> {
    if !text.matches('"').count().is_multiple_of(2) {
        return Err("a quote is not closed".to_owned());
    }
    Ok(text.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn a_script_is_read() {
    let text = "# a story\ndemo at 200 seed 7\nsize 80x24\nfault a down\n\npress 3 enter\ntype /a b\n\
                see \"x y\"\nrow \"a\" lacks \"b\"\nfault a over\nadvance 60\n";
    let script = Script::parse(text).unwrap();
    assert_eq!((script.opening.at, script.opening.seed), (Duration::from_secs(200), 7));
    assert_eq!((script.opening.size, script.opening.faults.len()), ((80, 24), 1));
    let steps: Vec<&Step> = script.steps.iter().map(|(_, step)| step).collect();
    assert!(matches!(steps[0], Step::Press(keys) if keys.len() == 2));
    assert!(matches!(steps[1], Step::Type(keys) if keys.len() == 4));
    assert_eq!(*steps[2], Step::See(Wanted::Text("x y".to_owned())));
    assert_eq!(*steps[3], Step::Not(Wanted::Row("a".to_owned(), "b".to_owned())));
    assert_eq!(*steps[4], Step::Fault("a".to_owned(), None));
    assert_eq!(script.steps[0].0, 6);
}

#[test]
fn nonsense_is_refused() {
    for text in [
        "",
        "dance",
        "see x",
        "see \"a\" \"b\"",
        "row \"a\"",
        "press nokey",
        "size 80",
        "fault a sleepy",
        "scale a b 3",
        "release a b/c",
        "judge demo",
    ] {
        assert!(Script::parse(text).is_err(), "{text}");
    }
}
