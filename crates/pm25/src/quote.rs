//! A command as a person can paste it into a shell. For showing only: nothing here is ever run.

/// The arguments in one line, quoted where a shell would not take them literally.
pub(crate) fn command_line(argv: &[String]) -> String {
    let words: Vec<_> = argv.iter().map(|argument| word(argument)).collect();
    words.join(" ")
}

fn word(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gives_the_same_arguments_back() {
        let argv = ["plain-1.0", "two words", "it's", "", "$(x)", "a\nb", "µg"].map(str::to_owned);
        let line = command_line(&argv);
        assert!(line.starts_with("plain-1.0 'two words' 'it'\\''s' '' "));
        let script = format!("printf '%s\\0' {line}");
        let out = std::process::Command::new("/bin/sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let back: Vec<_> = std::str::from_utf8(&out.stdout)
            .unwrap()
            .split_terminator('\0')
            .collect();
        assert_eq!(back, argv);
    }
}
