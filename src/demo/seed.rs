//! Repeatable chance: everything in the demo that looks random comes from here, out of one number.
//!
//! Nothing here keeps state between callers: a value is a hash of the seed and of what it is for, so
//! the order in which things happen (and the machine they happen on) does not change a single name.
//! It knows nothing of Kubernetes beyond the alphabet that its generated names use.

/// The letters and digits of generated Kubernetes names: no vowels, no look-alikes.
const NAME_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A source of repeatable values, narrowed step by step to the thing they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The root of a world.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    /// The seed of one thing, named.
    pub fn of(self, name: &str) -> Self {
        Self(mix(self.0 ^ fnv64(name.as_bytes())))
    }

    /// The seed of the n-th of several things.
    pub fn nth(self, n: u64) -> Self {
        Self(mix(self.0 ^ mix(n.wrapping_add(0x5851_f42d_4c95_7f2d))))
    }

    /// The bare number.
    pub fn number(self) -> u64 {
        self.0
    }

    /// A whole number under `end` (0 when `end` is 0).
    pub fn below(self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0 % end }
    }

    /// A number from 0 up to, not including, 1.
    pub fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number between `low` and `high`.
    pub fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// The tail of a generated name: `length` letters as the API server draws them.
    pub fn suffix(self, length: usize) -> String {
        (0..length as u64).map(|i| char::from(NAME_ALPHABET[self.nth(i).below(27) as usize])).collect()
    }

    /// `length` hexadecimal digits.
    pub fn hex(self, length: usize) -> String {
        let mut text = String::with_capacity(length + 16);
        let mut i = 0;
        while text.len() < length {
            text.push_str(&format!("{:016x}", self.nth(i).0));
            i += 1;
        }
        text.truncate(length);
        text
    }

    /// A version 4 UUID.
    pub fn uid(self) -> String {
        let h = self.hex(32);
        let variant = ["8", "9", "a", "b"][self.below(4) as usize];
        format!("{}-{}-4{}-{variant}{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..32])
    }

    /// One of several.
    pub fn pick<T>(self, from: &[T]) -> Option<&T> {
        from.get(self.below(from.len() as u64) as usize)
    }
}

/// The digest of an image, the same for every cluster that runs it.
pub fn image_digest(image: &str) -> String {
    format!("sha256:{}", Seed::new(fnv64(image.as_bytes())).hex(64))
}

/// A pod template's hash as it appears in names: the 32-bit FNV-1a hash in decimal, each digit
/// replaced by a letter of the name alphabet.
pub fn template_hash(canonical: &[u8]) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in canonical {
        hash ^= u32::from(*byte);
        hash = hash.wrapping_mul(0x0100_0193);
    }
    hash.to_string()
        .bytes()
        .map(|digit| char::from(NAME_ALPHABET[usize::from(digit) % NAME_ALPHABET.len()]))
        .collect()
}

/// The 64-bit FNV-1a hash.
fn fnv64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finalizer of SplitMix64: spreads close inputs far apart.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_values_and_another_gives_others() {
        let a = Seed::new(7).of("cart").nth(2);
        let b = Seed::new(7).of("cart").nth(2);
        assert_eq!(a.suffix(5), b.suffix(5));
        assert_eq!(a.uid(), b.uid());
        assert_ne!(a.suffix(5), Seed::new(8).of("cart").nth(2).suffix(5));
        assert_ne!(a.suffix(5), Seed::new(7).of("cart").nth(3).suffix(5));
    }

    #[test]
    fn names_use_the_servers_alphabet() {
        let suffix = Seed::new(1).suffix(200);
        assert!(suffix.bytes().all(|b| NAME_ALPHABET.contains(&b)));
        let hash = template_hash(b"{\"spec\":{}}");
        assert!((6..=10).contains(&hash.len()), "{hash}");
        assert!(hash.bytes().all(|b| NAME_ALPHABET.contains(&b)));
    }

    #[test]
    fn uids_are_version_4() {
        let uid = Seed::new(3).uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(&uid[14..15], "4");
        assert!("89ab".contains(&uid[19..20]));
    }
}
