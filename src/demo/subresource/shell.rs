//! A shell that is none: a handful of commands over the facts of a container, for `exec`. Pure.

use serde_json::Value;

/// What a command came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Text for stdout.
    pub out: String,
    /// Text for stderr.
    pub err: String,
    /// Exit code.
    pub code: i32,
    /// Whether the shell itself is to end.
    pub exit: bool,
}

/// What is there to be run without a shell.
const COMMANDS: [&str; 17] = [
    "ash", "bash", "cat", "date", "echo", "env", "false", "hostname", "id", "ls", "printenv", "ps", "pwd",
    "sh", "true", "uname", "whoami",
];

/// A container to run commands in.
#[derive(Debug, Clone)]
pub struct Shell {
    hostname: String,
    container: String,
    env: Vec<(String, String)>,
    last: i32,
}

/// Names under which an interactive shell is asked for.
pub fn is_shell(command: &str) -> bool {
    matches!(command.rsplit('/').next(), Some("sh" | "bash" | "ash" | "busybox"))
}

impl Shell {
    /// A shell in a container of a pod.
    pub fn new(pod: &Value, container: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let hostname = text(&pod["metadata"]["name"]);
        let mut env = vec![
            ("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            ("HOSTNAME".to_owned(), hostname.clone()),
            ("HOME".to_owned(), "/root".to_owned()),
            ("KUBERNETES_SERVICE_HOST".to_owned(), "10.96.0.1".to_owned()),
            ("KUBERNETES_SERVICE_PORT".to_owned(), "443".to_owned()),
        ];
        let containers = pod["spec"]["containers"].as_array();
        let spec = containers.into_iter().flatten().find(|c| c["name"] == container);
        for variable in spec.and_then(|c| c["env"].as_array()).into_iter().flatten() {
            if let Some(value) = variable["value"].as_str() {
                env.push((text(&variable["name"]), value.to_owned()));
            }
        }
        Self { hostname, container: container.to_owned(), env, last: 0 }
    }

    /// Runs a script: lines and `;`-separated commands, with `&&` and `||`.
    pub fn script(&mut self, text: &str) -> Outcome {
        let mut all = Outcome::default();
        for line in text.lines().flat_map(|l| l.split(';')) {
            let mut run = true;
            for (connective, part) in connected(line) {
                run = match connective {
                    "&&" => run && self.last == 0,
                    "||" => self.last != 0,
                    _ => true,
                };
                let words = words(part, |name| self.variable(name));
                if !run || words.is_empty() {
                    continue;
                }
                let outcome = self.run(&words);
                all.out.push_str(&outcome.out);
                all.err.push_str(&outcome.err);
                all.code = outcome.code;
                self.last = outcome.code;
                if outcome.exit {
                    all.exit = true;
                    return all;
                }
            }
        }
        all
    }

    fn variable(&self, name: &str) -> String {
        if name == "?" {
            return self.last.to_string();
        }
        self.env.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
    }

    /// Runs one command, already split into words.
    pub fn run(&mut self, words: &[String]) -> Outcome {
        let Some((command, arguments)) = words.split_first() else { return Outcome::default() };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let say = |out: String| Outcome { out, ..Outcome::default() };
        let base = command.rsplit('/').next().unwrap_or_default();
        match (base, arguments.as_slice()) {
            ("echo", words) => say(format!("{}\n", words.join(" "))),
            ("true" | ":", _) => Outcome::default(),
            ("false", _) => Outcome { code: 1, ..Outcome::default() },
            ("hostname", _) => say(format!("{}\n", self.hostname)),
            ("whoami", _) => say("root\n".into()),
            ("id", _) => say("uid=0(root) gid=0(root) groups=0(root)\n".into()),
            ("pwd", _) => say("/\n".into()),
            ("uname", ["-a"]) => say(format!("Linux {} 6.12.0 #1 SMP x86_64 GNU/Linux\n", self.hostname)),
            ("uname", _) => say("Linux\n".into()),
            ("date", _) => say(format!("{}\n", jiff::Timestamp::now())),
            ("env" | "printenv", _) => {
                let lines = self.env.iter().map(|(name, value)| format!("{name}={value}\n"));
                let out = lines.collect();
                say(out)
            }
            ("ls", paths) => list(paths.iter().find(|p| !p.starts_with('-')).copied().unwrap_or("/")),
            ("cat", paths) => {
                let mut all = Outcome::default();
                for outcome in paths.iter().map(|path| self.cat(path)) {
                    all.out.push_str(&outcome.out);
                    all.err.push_str(&outcome.err);
                    all.code = all.code.max(outcome.code);
                }
                all
            }
            ("ps", _) => say(format!(
                "PID   USER     TIME  COMMAND\n    1 root      0:42 /usr/bin/{}\n",
                self.container
            )),
            ("exit", code) => {
                let code = code.first().map_or(self.last, |c| c.parse().unwrap_or(2));
                Outcome { code, exit: true, ..Outcome::default() }
            }
            ("sh" | "bash" | "ash", ["-c", script, ..]) => {
                let outcome = self.script(script);
                Outcome { exit: false, ..outcome }
            }
            ("sh" | "bash" | "ash", _) => Outcome::default(),
            _ => Outcome { err: format!("sh: {command}: not found\n"), code: 127, ..Outcome::default() },
        }
    }

    /// Whether a command can be started without a shell.
    pub fn knows(command: &str) -> bool {
        COMMANDS.contains(&command.rsplit('/').next().unwrap_or_default())
    }

    fn cat(&self, path: &str) -> Outcome {
        let out = match path {
            "/etc/os-release" => {
                "NAME=\"Demo Linux\"\nID=demo\nVERSION_ID=1\nPRETTY_NAME=\"Demo Linux 1\"\n".to_owned()
            }
            "/etc/hostname" => format!("{}\n", self.hostname),
            "/etc/hosts" => format!("127.0.0.1\tlocalhost\n10.0.0.2\t{}\n", self.hostname),
            _ => {
                let err = format!("cat: can't open '{path}': No such file or directory\n");
                return Outcome { err, code: 1, ..Outcome::default() };
            }
        };
        Outcome { out, ..Outcome::default() }
    }
}

fn list(path: &str) -> Outcome {
    let names = match path.trim_end_matches('/') {
        "" | "." => "app\nbin\ndev\netc\nhome\nproc\nroot\nsys\ntmp\nusr\nvar\n",
        "/app" | "app" => "config.yaml\nserver\n",
        "/etc" | "etc" => "hostname\nhosts\nos-release\npasswd\nresolv.conf\nssl\n",
        "/tmp" | "tmp" => "",
        _ => {
            let err = format!("ls: {path}: No such file or directory\n");
            return Outcome { err, code: 1, ..Outcome::default() };
        }
    };
    Outcome { out: names.to_owned(), ..Outcome::default() }
}

/// The commands of a line with what connects each to the one before.
fn connected(line: &str) -> Vec<(&str, &str)> {
    let (mut parts, mut rest, mut connective) = (Vec::new(), line, "");
    loop {
        let next = ["&&", "||"].iter().filter_map(|c| Some((rest.find(c)?, *c))).min();
        let Some((at, found)) = next else {
            parts.push((connective, rest));
            return parts;
        };
        parts.push((connective, &rest[..at]));
        connective = found;
        rest = &rest[at + 2..];
    }
}

/// Splits into words at spaces outside quotes, and puts in variables outside single quotes.
fn words(text: &str, variable: impl Fn(&str) -> String) -> Vec<String> {
    let (mut all, mut word, mut begun, mut quote) = (Vec::new(), String::new(), false, None);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => (quote, begun) = (Some(c), true),
            (c, Some(q)) if c == q => quote = None,
            ('$', None | Some('"')) => {
                let mut name = String::new();
                if chars.peek() == Some(&'?') {
                    name.push('?');
                    chars.next();
                }
                while let Some(c) = chars.peek().filter(|c| c.is_alphanumeric() || **c == '_') {
                    name.push(*c);
                    chars.next();
                }
                word.push_str(&if name.is_empty() { "$".to_owned() } else { variable(&name) });
                begun = true;
            }
            (c, None) if c.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    all.push(std::mem::take(&mut word));
                }
            }
            (c, _) => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        all.push(word);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shell() -> Shell {
        let pod = json!({"metadata":{"name":"cart-1"},"spec":{"containers":[{"name":"app","env":[{"name":"MODE","value":"live"}]}]}});
        Shell::new(&pod, "app")
    }

    #[test]
    fn scripts() {
        for (script, out, code) in [
            ("echo 'a  b' \"$MODE\" $HOSTNAME", "a  b live cart-1\n", 0),
            ("false || echo no; true && echo yes", "no\nyes\n", 0),
            ("false; echo $?", "1\n", 0),
            ("echo a; exit 3; echo b", "a\n", 3),
            ("cat /etc/hostname", "cart-1\n", 0),
        ] {
            let outcome = shell().script(script);
            assert_eq!((outcome.out.as_str(), outcome.code), (out, code), "{script}");
        }
        let unknown = shell().script("frobnicate now");
        assert_eq!((unknown.code, unknown.err.as_str()), (127, "sh: frobnicate: not found\n"));
    }
}
