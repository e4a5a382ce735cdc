//! Image references and the versions that their tags say.

use std::cmp::Ordering;
use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};

/// An image reference, taken apart: `registry:5000/team/cart:1.31.0@sha256:4be1...`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ImageRef {
    /// Host and port; empty when the reference names none.
    pub registry: String,
    /// Path of the repository, without the registry.
    pub repository: String,
    /// The tag; empty when there is none.
    pub tag: String,
    /// The digest with its algorithm (`sha256:...`); empty when there is none.
    pub digest: String,
}

impl ImageRef {
    /// Takes a reference apart. Whatever is given is kept: a reference that no
    /// registry would accept still has a repository to show.
    ///
    /// The first part of the path is a registry when it holds a dot or a colon
    /// or is `localhost` (the rule of github.com/distribution/reference).
    pub fn parse(text: &str) -> ImageRef {
        let (rest, digest) = text.split_once('@').unwrap_or((text, ""));
        // A colon after the last slash begins the tag; one before it, a port.
        let path_at = rest.rfind('/').map_or(0, |at| at + 1);
        let (path, tag) = match rest[path_at..].find(':') {
            Some(colon) => (&rest[..path_at + colon], &rest[path_at + colon + 1..]),
            None => (rest, ""),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((first, others)) if first.contains(['.', ':']) || first == "localhost" => (first, others),
            _ => ("", path),
        };
        ImageRef {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: digest.to_owned(),
        }
    }

    /// The last part of the repository: `cart` of `team/cart`.
    pub fn short(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// Whether this is the repository that somebody wrote, whole or its end at
    /// the border of a part: `team/cart` and `cart` mean `host/team/cart`,
    /// `art` does not.
    pub fn is_named(&self, written: &str) -> bool {
        let wanted = ImageRef::parse(written);
        let ends = |whole: &str, end: &str| {
            whole.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        if wanted.registry.is_empty() {
            ends(&self.repository, &wanted.repository)
        } else {
            wanted.registry == self.registry && wanted.repository == self.repository
        }
    }

    /// Whether two references name the same repository.
    pub fn same_repository(&self, other: &ImageRef) -> bool {
        self.registry == other.registry && self.repository == other.repository
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.registry.is_empty() {
            write!(f, "{}/", self.registry)?;
        }
        f.write_str(&self.repository)?;
        if !self.tag.is_empty() {
            write!(f, ":{}", self.tag)?;
        }
        if !self.digest.is_empty() {
            write!(f, "@{}", self.digest)?;
        }
        Ok(())
    }
}

/// The first hexadecimal digits of a digest, as the screen shows it: `4be1c09d`.
/// Runtimes write it behind the repository (`host/cart@sha256:...`).
pub fn short_digest(digest: &str) -> &str {
    let hex = digest.rsplit_once(':').map_or(digest, |(_, hex)| hex);
    hex.get(..8).unwrap_or(hex)
}

/// The version that a tag says: a semantic version, with an optional `v`
/// before it, parts that are missing counted as 0, and `rc10` after `rc9`.
/// `None` for tags that say none (`latest`, a commit's hash).
pub fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (core, pre) = text.split_once(['-', '_']).unwrap_or((text, ""));
    // Digits alone in the length of an abbreviated commit are no version.
    if core == text && core.len() >= 7 && !core.contains('.') {
        return None;
    }
    // `1.2.0rc1`, as Python writes it.
    let (core, attached) = match core.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) if at > 0 && pre.is_empty() => (core[..at].trim_end_matches('.'), &core[at..]),
        Some(_) => return None,
        None => (core, ""),
    };
    let mut parts = core.split('.').map(str::parse::<u64>);
    let mut next = || match parts.next() {
        Some(part) => part.ok(),
        None => Some(0),
    };
    let (major, minor, patch) = (next()?, next()?, next()?);
    // A fourth part has no place in a semantic version; it may not be lost.
    let fourth = match parts.next() {
        Some(part) => format!("{}.", part.ok()?),
        None => String::new(),
    };
    if parts.next().is_some() || !fourth.is_empty() && !pre.is_empty() {
        return None;
    }
    let pre = if pre.is_empty() { attached } else { pre };
    Some(Version {
        major,
        minor,
        patch,
        pre: Prerelease::new(&split_words(pre)).ok()?,
        build: BuildMetadata::new(&[fourth.trim_end_matches('.'), build].concat()).unwrap_or_default(),
    })
}

/// `rc10` as `rc.10`, so that numbers compare as numbers.
fn split_words(pre: &str) -> String {
    let mut out = String::with_capacity(pre.len() + 2);
    let mut last: Option<char> = None;
    for c in pre.chars() {
        let c = if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' };
        if let Some(last) = last
            && last.is_ascii_alphabetic()
            && c.is_ascii_digit()
            && is_order_word(out.rsplit('.').next().unwrap_or_default())
        {
            out.push('.');
        }
        // Empty parts and numbers with leading zeros are not allowed.
        if !(c == '.' && matches!(last, None | Some('.'))) {
            out.push(c);
        }
        last = Some(c);
    }
    out.trim_end_matches('.')
        .split('.')
        .map(|part| match part.trim_start_matches('0') {
            digits if part.bytes().all(|b| b.is_ascii_digit()) && part.len() > 1 => {
                if digits.is_empty() {
                    "0"
                } else {
                    digits
                }
            }
            _ => part,
        })
        .collect::<Vec<_>>()
        .join(".")
}

/// Words that stand before a release and come in an order.
fn is_order_word(word: &str) -> bool {
    const WORDS: [&str; 14] = [
        "a",
        "alpha",
        "b",
        "beta",
        "build",
        "canary",
        "dev",
        "m",
        "milestone",
        "nightly",
        "pre",
        "preview",
        "rc",
        "snapshot",
    ];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// How two tags stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same.
    Same,
    /// The first is older.
    Older,
    /// The first is newer.
    Newer,
    /// Not the same, and the tags do not say which is newer.
    Differs,
}

/// Compares two tags. Versions compare by precedence; what stands behind the
/// same number and is no pre-release (`-alpine`, a commit) only differs.
pub fn compare(a: &str, b: &str) -> Compared {
    if a == b {
        return Compared::Same;
    }
    let (Some(va), Some(vb)) = (version(a), version(b)) else { return Compared::Differs };
    let core = |v: &Version| (v.major, v.minor, v.patch);
    let ordering = match core(&va).cmp(&core(&vb)) {
        Ordering::Equal => {
            let orderly = |pre: &Prerelease| {
                pre.is_empty() || is_order_word(pre.as_str().split('.').next().unwrap_or_default())
            };
            if !orderly(&va.pre) || !orderly(&vb.pre) {
                return Compared::Differs;
            }
            match va.pre.cmp(&vb.pre) {
                // Builds of one version: numbers compare, names do not.
                Ordering::Equal => match (va.build.as_str().parse::<u64>(), vb.build.as_str().parse::<u64>())
                {
                    (Ok(a), Ok(b)) => a.cmp(&b),
                    _ if va.build == vb.build => Ordering::Equal,
                    _ => return Compared::Differs,
                },
                decided => decided,
            }
        }
        decided => decided,
    };
    match ordering {
        Ordering::Less => Compared::Older,
        Ordering::Equal => Compared::Same,
        Ordering::Greater => Compared::Newer,
    }
}

/// How many releases lie between two versions when their numbers alone tell:
/// patches of one minor version, counted one by one.
pub fn patches_between(older: &str, newer: &str) -> Option<u32> {
    let (a, b) = (version(older)?, version(newer)?);
    let plain = a.pre.is_empty() && b.pre.is_empty() && a.build.is_empty() && b.build.is_empty();
    if !plain || (a.major, a.minor) != (b.major, b.minor) {
        return None;
    }
    u32::try_from(b.patch.checked_sub(a.patch)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let digest = "sha256:4be1c09d00000000000000000000000000000000000000000000000000000000";
        for (text, registry, repository, tag, has_digest) in [
            ("nginx", "", "nginx", "", false),
            ("nginx:1.27", "", "nginx", "1.27", false),
            ("library/nginx:1.27", "", "library/nginx", "1.27", false),
            ("registry.example/cart:1.31.0", "registry.example", "cart", "1.31.0", false),
            ("localhost/cart", "localhost", "cart", "", false),
            ("localhost:5000/team/cart", "localhost:5000", "team/cart", "", false),
            ("registry:5000/cart:v2", "registry:5000", "cart", "v2", false),
            ("registry:5000/cart@sha256", "registry:5000", "cart", "", true),
            ("ghcr.io/a/b/c:1@sha256", "ghcr.io", "a/b/c", "1", true),
            ("", "", "", "", false),
        ] {
            let text = text.replace("@sha256", &format!("@{digest}"));
            let image = ImageRef::parse(&text);
            assert_eq!((&*image.registry, &*image.repository, &*image.tag), (registry, repository, tag));
            assert_eq!(image.digest == digest, has_digest, "{text}");
            assert_eq!(image.to_string(), text);
        }
        assert_eq!(short_digest(digest), "4be1c09d");
        assert_eq!(short_digest(&format!("registry.example/cart@{digest}")), "4be1c09d");
        assert_eq!(short_digest(""), "");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "[ -~]{0,60}") {
            // Only an empty tag, digest or registry loses its separator.
            let written = ImageRef::parse(&text).to_string();
            let (last, empty) = (text.ends_with([':', '@']), text.contains(":@"));
            prop_assume!(!last && !empty);
            prop_assert_eq!(written, text);
        }

        #[test]
        fn a_built_reference_is_read_as_it_was_built(
            registry in prop::option::of("[a-z]{1,8}\\.[a-z]{2,3}(:[0-9]{2,5})?"),
            repository in "[a-z0-9]{1,8}(/[a-z0-9_-]{1,8}){0,3}",
            tag in prop::option::of("[A-Za-z0-9_][A-Za-z0-9._-]{0,20}"),
            digest in prop::option::of("sha256:[0-9a-f]{64}"),
        ) {
            let built = ImageRef {
                registry: registry.unwrap_or_default(),
                repository,
                tag: tag.unwrap_or_default(),
                digest: digest.unwrap_or_default(),
            };
            prop_assert_eq!(ImageRef::parse(&built.to_string()), built);
        }

        #[test]
        fn comparing_is_antisymmetric(a in "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}(-(rc|beta|alpine)[0-9]{0,2})?", b in "v?[0-9]{1,2}(\\.[0-9]{1,2}){0,3}(-(rc|beta|alpine)[0-9]{0,2})?") {
            let back = match compare(&b, &a) {
                Compared::Older => Compared::Newer,
                Compared::Newer => Compared::Older,
                same => same,
            };
            prop_assert_eq!(compare(&a, &b), back);
        }

        #[test]
        fn no_tag_is_too_strange(a in "\\PC{0,30}", b in "\\PC{0,30}") {
            let _ = (compare(&a, &b), patches_between(&a, &b), ImageRef::parse(&a));
        }
    }

    #[test]
    fn repositories_are_named_by_their_end() {
        let image = ImageRef::parse("registry.example:5000/shop/cart:1");
        for (written, named) in [
            ("cart", true),
            ("shop/cart", true),
            ("registry.example:5000/shop/cart", true),
            ("art", false),
            ("registry.example:5000/cart", false),
            ("other.example/shop/cart", false),
        ] {
            assert_eq!(image.is_named(written), named, "{written}");
        }
        assert_eq!(image.short(), "cart");
    }

    #[test]
    fn tags_compare_as_people_read_them() {
        use Compared::*;
        for (a, b, expected) in [
            ("1.31.0", "1.31.0", Same),
            ("v1.31.0", "1.31.0", Same),
            ("1.31", "1.31.0", Same),
            ("1.30.4", "1.31.0", Older),
            ("2.10.0", "2.9.0", Newer),
            ("5.2.0-rc1", "5.1.9", Newer),
            ("5.2.0-rc1", "5.2.0", Older),
            ("5.2.0-rc9", "5.2.0-rc10", Older),
            ("5.2.0rc9", "5.2.0rc10", Older),
            ("1.2.0-beta.2", "1.2.0-rc.1", Older),
            ("1.27-alpine", "1.27", Differs),
            ("1.27-alpine", "1.28-alpine", Older),
            ("1.31.0-4be1c09", "1.31.0-90aa123", Differs),
            ("1.31.0-4be1c09", "1.32.0-90aa123", Older),
            ("2024.01.15", "2024.02.01", Older),
            ("1.2.3.4", "1.2.3.10", Older),
            ("1.2.3+7", "1.2.3+8", Older),
            ("1.2.3+x", "1.2.3+y", Differs),
            ("118", "119", Older),
            ("1234567", "1234568", Differs),
            ("latest", "1.0.0", Differs),
            ("main-4be1c09", "main-90aa123", Differs),
            ("", "1.0", Differs),
            ("1..2", "1.0.2", Differs),
        ] {
            assert_eq!(compare(a, b), expected, "{a} to {b}");
        }
    }

    #[test]
    fn patches_are_counted_and_nothing_else() {
        for (older, newer, count) in [
            ("4.3.0", "4.3.1", Some(1)),
            ("v4.3", "4.3.7", Some(7)),
            ("2.8.3", "2.9.0", None),
            ("5.2.0-rc1", "5.2.0", None),
            ("4.3.1", "4.3.0", None),
            ("a", "b", None),
        ] {
            assert_eq!(patches_between(older, newer), count, "{older} to {newer}");
        }
    }
}
