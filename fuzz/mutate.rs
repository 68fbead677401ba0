// Random changes of seeds, for the tests named `mutations`: the short stable relative of the fuzz targets.

/// Words that mean something to one of the readers.
const WORDS: [&[u8]; 24] = [
    b"\"",
    b"'",
    b"\\x64",
    b"\n",
    b"\r\n",
    b"\0",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b": ",
    b"- ",
    b"&a ",
    b"*a",
    b"!!x ",
    b"dir",
    b"include",
    b"\xc3",
    b"\xe2\x80\xae",
    b"\x1b[2J",
    b"99999999999999999999",
    b"-1",
    b"1e999",
];

/// A generator of numbers that is the same everywhere (xorshift64*).
pub struct Dice(u64);

impl Dice {
    /// One that begins with this number.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }
}

/// How many changed files each seed gets.
pub fn times() -> usize {
    std::env::var("REDQUAKE_TEST_MUTATIONS").ok().and_then(|times| times.parse().ok()).unwrap_or(40)
}

/// Changes a few places; `other` is a second seed to take pieces from.
pub fn changed(dice: &mut Dice, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + dice.below(24)).min(bytes.len());
        match dice.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 => drop(bytes.splice(at..at, WORDS[dice.below(WORDS.len())].iter().copied())),
            3 => drop(bytes.splice(at..end, WORDS[dice.below(WORDS.len())].iter().copied())),
            4 => {
                let from = dice.below(other.len() + 1);
                let to = (from + dice.below(64)).min(other.len());
                drop(bytes.splice(at..at, other[from..to].iter().copied()));
            }
            5 => {
                let piece = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, piece.repeat(1 + dice.below(8))));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
    bytes
}
