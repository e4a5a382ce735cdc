//! One key as people name it, free of terminal differences.
//!
//! Notation: `j`, `G`, `?`, `space`, `enter`, `f5`, with `ctrl-`, `alt-`, `shift-` before it. A capital or sign carries
//! its own shift (`G`, never `shift-g`), so that terminals that report shift and those that do not agree. Ctrl
//! with a letter knows no case: most terminals cannot tell. Own parser: crokey reads `G` as `g`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::error::suggest;

/// A key and its modifiers, normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With ctrl.
    pub ctrl: bool,
    /// With alt.
    pub alt: bool,
    /// With shift; never for characters.
    pub shift: bool,
}

/// The keys we tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character; space is one.
    Char(char),
    /// A key with a name, an index into the table of names.
    Named(Named),
    /// F1 to F24.
    F(u8),
}

/// Makes the enum of named keys and both directions of its table.
macro_rules! named {
    ($($variant:ident $name:literal $code:pat => $doc:literal;)*) => {
        /// Keys that have a name instead of a character.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Named { $(#[doc = $doc] $variant,)* }

        const NAMED: &[(&str, Named)] = &[$(($name, Named::$variant),)*];

        fn named(code: KeyCode) -> Option<Named> {
            match code {
                $($code => Some(Named::$variant),)*
                _ => None,
            }
        }
    };
}

named! {
    Enter "enter" KeyCode::Enter => "Return.";
    Esc "esc" KeyCode::Esc => "Escape.";
    Tab "tab" KeyCode::Tab | KeyCode::BackTab => "Tab.";
    Backspace "backspace" KeyCode::Backspace => "Backspace.";
    Delete "delete" KeyCode::Delete => "Delete.";
    Insert "insert" KeyCode::Insert => "Insert.";
    Home "home" KeyCode::Home => "Home.";
    End "end" KeyCode::End => "End.";
    PageUp "page-up" KeyCode::PageUp => "Page up.";
    PageDown "page-down" KeyCode::PageDown => "Page down.";
    Up "up" KeyCode::Up => "Arrow up.";
    Down "down" KeyCode::Down => "Arrow down.";
    Left "left" KeyCode::Left => "Arrow left.";
    Right "right" KeyCode::Right => "Arrow right.";
}

impl Key {
    /// The key of a terminal event; `None` for keys no keymap can name (media keys, lone modifiers). Whether it was
    /// pressed or released is for the caller to see.
    #[must_use]
    pub fn from_event(event: &KeyEvent) -> Option<Key> {
        let code = match event.code {
            KeyCode::Char(c) => Code::Char(c),
            KeyCode::F(n) => Code::F(n),
            KeyCode::Null => Code::Char(' '),
            other => Code::Named(named(other)?),
        };
        let has = |m| event.modifiers.contains(m);
        Some(
            Key {
                code,
                ctrl: has(KeyModifiers::CONTROL) || event.code == KeyCode::Null,
                alt: has(KeyModifiers::ALT),
                shift: has(KeyModifiers::SHIFT) || event.code == KeyCode::BackTab,
            }
            .normal(),
        )
    }

    /// The event that a terminal sends for it.
    #[must_use]
    pub fn event(&self) -> KeyEvent {
        let code = match self.code {
            Code::Char(c) => KeyCode::Char(c),
            Code::F(n) => KeyCode::F(n),
            Code::Named(named) => code_of(named),
        };
        let mut modifiers = KeyModifiers::NONE;
        for (on, modifier) in [
            (self.ctrl, KeyModifiers::CONTROL),
            (self.alt, KeyModifiers::ALT),
            (self.shift, KeyModifiers::SHIFT),
        ] {
            if on {
                modifiers |= modifier;
            }
        }
        KeyEvent::new(code, modifiers)
    }

    /// Reads one key: `ctrl-d`, `G`, `space`.
    ///
    /// # Errors
    /// What is wrong and how to mend it.
    pub fn parse(text: &str) -> Result<Key, (String, String)> {
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        let mut rest = text;
        loop {
            let modifier = [("ctrl-", 0), ("alt-", 1), ("shift-", 2)]
                .into_iter()
                .find_map(|(name, n)| Some((rest.strip_prefix(name)?, n)));
            match modifier {
                Some((after, n)) if !after.is_empty() => {
                    *[&mut ctrl, &mut alt, &mut shift][n] = true;
                    rest = after;
                }
                _ => break,
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if c.is_control() || c == ' ' => None,
            (Some(c), None) => Some(Code::Char(c)),
            _ if rest == "space" => Some(Code::Char(' ')),
            _ => NAMED
                .iter()
                .find(|(name, _)| *name == rest)
                .map(|(_, named)| Code::Named(*named))
                .or_else(|| function_key(rest)),
        };
        let Some(code) = code else {
            let names = NAMED.iter().map(|(name, _)| *name).chain(["space", "f1"]);
            return Err((format!("`{text}` is not a key"), suggest(rest, names)));
        };
        if let (true, Code::Char(c)) = (shift, code)
            && !ctrl
        {
            return Err((
                format!("`{text}`: characters carry their own shift"),
                format!("write `{}`", c.to_uppercase()),
            ));
        }
        Ok(Key { code, ctrl, alt, shift }.normal())
    }

    /// One spelling for what terminals report in several ways.
    fn normal(mut self) -> Key {
        if let Code::Char(c) = self.code {
            if self.shift && !self.ctrl {
                // The kitty protocol may report the plain letter with shift.
                self.code = Code::Char(single(c.to_uppercase()).unwrap_or(c));
            }
            if self.ctrl {
                self.code = Code::Char(single(c.to_lowercase()).unwrap_or(c));
            }
            self.shift = false;
        }
        self
    }

    /// The character that this key types into a text, when it types one.
    #[must_use]
    pub fn typed(&self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

fn code_of(named: Named) -> KeyCode {
    match named {
        Named::Enter => KeyCode::Enter,
        Named::Esc => KeyCode::Esc,
        Named::Tab => KeyCode::Tab,
        Named::Backspace => KeyCode::Backspace,
        Named::Delete => KeyCode::Delete,
        Named::Insert => KeyCode::Insert,
        Named::Home => KeyCode::Home,
        Named::End => KeyCode::End,
        Named::PageUp => KeyCode::PageUp,
        Named::PageDown => KeyCode::PageDown,
        Named::Up => KeyCode::Up,
        Named::Down => KeyCode::Down,
        Named::Left => KeyCode::Left,
        Named::Right => KeyCode::Right,
    }
}

fn function_key(text: &str) -> Option<Code> {
    let digits = text.strip_prefix('f')?;
    let plain = !digits.starts_with(['0', '+']);
    let n = digits.parse().ok().filter(|n| plain && (1..=24).contains(n))?;
    Some(Code::F(n))
}

/// The only character of a case mapping that has one.
fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_none() { first } else { None }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if on {
                f.write_str(name)?;
            }
        }
        match self.code {
            Code::Char(' ') => f.write_str("space"),
            Code::Char(c) => write!(f, "{c}"),
            Code::F(n) => write!(f, "f{n}"),
            Code::Named(named) => {
                let name = NAMED.iter().find(|(_, n)| *n == named).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// Keys one after another, as a keymap binds them: `g g`, `ctrl-d`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Keys(pub Vec<Key>);

impl Keys {
    /// Reads keys with spaces between them.
    ///
    /// # Errors
    /// What is wrong and how to mend it.
    pub fn parse(text: &str) -> Result<Keys, (String, String)> {
        let keys: Vec<Key> = text.split_whitespace().map(Key::parse).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err((
                "no key is named".to_owned(),
                "write a key, such as j, ctrl-d, space or `g g`".to_owned(),
            ));
        }
        Ok(Keys(keys))
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, key) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{key}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(code: KeyCode, modifiers: KeyModifiers) -> String {
        Key::from_event(&KeyEvent::new(code, modifiers)).map_or("none".into(), |k| k.to_string())
    }

    #[test]
    fn terminals_agree() {
        let (none, shift, ctrl) = (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL);
        assert_eq!(event(KeyCode::Char('G'), shift), "G");
        assert_eq!(event(KeyCode::Char('G'), none), "G");
        assert_eq!(event(KeyCode::Char('g'), shift), "G");
        assert_eq!(event(KeyCode::Char('?'), shift), "?");
        assert_eq!(event(KeyCode::Char('d'), ctrl), "ctrl-d");
        assert_eq!(event(KeyCode::Char('D'), ctrl | shift), "ctrl-d");
        assert_eq!(event(KeyCode::BackTab, shift), "shift-tab");
        assert_eq!(event(KeyCode::BackTab, none), "shift-tab");
        assert_eq!(event(KeyCode::Tab, none), "tab");
        assert_eq!(event(KeyCode::Null, none), "ctrl-space");
        assert_eq!(event(KeyCode::Char(' '), none), "space");
        assert_eq!(event(KeyCode::F(5), none), "f5");
        assert_eq!(event(KeyCode::Char('ß'), shift), "ß");
        assert_eq!(event(KeyCode::CapsLock, none), "none");
    }

    #[test]
    fn notation() {
        for text in ["-", "ctrl--", "alt-x", "ctrl-alt-page-up", "g g", "shift-f5", ":", "é", "ctrl-w G"] {
            assert_eq!(Keys::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Key::parse("ctrl-D").unwrap().to_string(), "ctrl-d");
        let wrong = |text| Keys::parse(text).unwrap_err();
        assert_eq!(wrong("entr"), ("`entr` is not a key".into(), "did you mean `enter`?".into()));
        assert_eq!(wrong("shift-g").1, "write `G`");
        assert_eq!(wrong("f0").0, "`f0` is not a key");
        assert!(wrong("  ").0.contains("no key"));
        assert!(Key::parse("ctrl-").is_err());
    }

    #[test]
    fn typed_characters() {
        assert_eq!(Key::parse("G").unwrap().typed(), Some('G'));
        assert_eq!(Key::parse("space").unwrap().typed(), Some(' '));
        assert_eq!(Key::parse("ctrl-g").unwrap().typed(), None);
        assert_eq!(Key::parse("enter").unwrap().typed(), None);
    }

    fn any_key() -> impl Strategy<Value = Key> {
        let code = prop_oneof![
            any::<char>()
                .prop_filter("visible", |c| !c.is_control() && !c.is_whitespace())
                .prop_map(Code::Char),
            Just(Code::Char(' ')),
            (1_u8..=24).prop_map(Code::F),
            proptest::sample::select(NAMED).prop_map(|(_, named)| Code::Named(named)),
        ];
        (code, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(code, ctrl, alt, shift)| Key { code, ctrl, alt, shift }.normal())
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed_into_a_keymap(keys in prop::collection::vec(any_key(), 1..4)) {
            let keys = Keys(keys);
            prop_assert_eq!(Keys::parse(&keys.to_string()), Ok(keys));
        }

        #[test]
        fn parsing_never_panics_and_is_stable(text in any::<String>()) {
            if let Ok(keys) = Keys::parse(&text) {
                prop_assert_eq!(Keys::parse(&keys.to_string()), Ok(keys));
            }
        }
    }
}
