//! Which signal may ask for snapshots, and why the others may not.
//!
//! `signal=NAME` takes names as `kill` does, with `SIG` or without, in either case, and `RTMIN+N` and `RTMAX-N`.
//! Real-time signals are the ones that nobody else uses.

/// The signal where none is chosen: heapdump's.
pub const DEFAULT: &str = "SIGUSR2";

/// Those that do nothing else in a Node process. A process that is to end when its terminal closes needs SIGHUP for itself.
const FREE: [&str; 7] = ["USR2", "HUP", "QUIT", "ALRM", "VTALRM", "IO", "PWR"];

const FAULT: &str = "it tells of a fault, after which the program cannot go on";
const END: &str = "terminals and process managers end processes with it";
const JOBS: &str = "shells stop and continue processes with it";
const LIMIT: &str = "the kernel tells of a limit with it";

/// Those that belong to somebody, and to whom.
const TAKEN: [(&str, &str); 25] = [
    ("KILL", "the kernel lets nobody handle it"),
    ("STOP", "the kernel lets nobody handle it"),
    ("USR1", "Node opens its inspector on it"),
    ("PROF", "V8's CPU profiler runs on it"),
    ("PIPE", "Node ignores it, as every broken connection raises it"),
    ("CHLD", "libuv learns of the end of child processes by it"),
    ("CLD", "libuv learns of the end of child processes by it"),
    ("WINCH", "terminals send it whenever their size changes"),
    ("URG", "sockets raise it for urgent data"),
    ("TERM", END),
    ("INT", END),
    ("SEGV", FAULT),
    ("BUS", FAULT),
    ("FPE", FAULT),
    ("ILL", FAULT),
    ("ABRT", FAULT),
    ("IOT", FAULT),
    ("TRAP", FAULT),
    ("SYS", FAULT),
    ("TSTP", JOBS),
    ("TTIN", JOBS),
    ("TTOU", JOBS),
    ("CONT", JOBS),
    ("XCPU", LIMIT),
    ("XFSZ", LIMIT),
];

/// The full name of the signal that `text` names, or why it cannot be had.
pub fn choose(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some((_, why)) = TAKEN.iter().find(|(taken, _)| *taken == name) {
        return Err(format!("SIG{name} cannot ask for snapshots: {why}"));
    }
    if FREE.contains(&name) || real_time(name).is_some() {
        return Ok(format!("SIG{name}"));
    }
    Err(format!("'{text}' names no signal"))
}

/// From which end of the real-time signals, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealTime {
    FromMin(u8),
    FromMax(u8),
}

/// Reads `RTMIN`, `RTMIN+3`, `RTMAX-3` and `RTMAX`.
pub fn real_time(name: &str) -> Option<RealTime> {
    let distance = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        None if rest.is_empty() => Some(0),
        _ => None,
    };
    if let Some(rest) = name.strip_prefix("RTMIN") {
        return distance(rest, '+').map(RealTime::FromMin);
    }
    distance(name.strip_prefix("RTMAX")?, '-').map(RealTime::FromMax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kill() {
        let cases = [
            ("SIGUSR2", Some("SIGUSR2")),
            ("usr2", Some("SIGUSR2")),
            ("SigHup", Some("SIGHUP")),
            ("QUIT", Some("SIGQUIT")),
            ("RTMIN", Some("SIGRTMIN")),
            ("SIGRTMIN+3", Some("SIGRTMIN+3")),
            ("rtmax-10", Some("SIGRTMAX-10")),
            ("RTMIN-1", None),
            ("RTMIN+", None),
            ("RTMIN+x", None),
            ("RTMIN++1", None),
            ("RTMAX-999", None),
            ("12", None),
            ("SIG", None),
            ("", None),
            ("SIGSIGHUP", None),
            ("NONE", None),
        ];
        for (text, expected) in cases {
            assert_eq!(choose(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_belongs_to_somebody_is_refused_with_the_reason() {
        for (name, why) in TAKEN {
            for text in [name.to_owned(), format!("SIG{name}"), name.to_lowercase()] {
                let refusal = choose(&text).unwrap_err();
                assert_eq!(refusal, format!("SIG{name} cannot ask for snapshots: {why}"));
            }
            assert!(!FREE.contains(&name));
        }
    }
}
